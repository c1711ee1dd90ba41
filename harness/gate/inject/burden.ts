// Loaded before the system (`NODE_OPTIONS=--import=...`) to plant a regression from outside: GATE_INJECT=burn:20,wait:100,pad:40 burns
// 20 µs of CPU, sleeps 100 µs on the event loop and adds 40 bytes to the response of each call; burn:5% burns a share of what the
// process itself spends on a call, whatever the machine makes of that. The system does not know it.

import { subscribe } from "node:diagnostics_channel";
import { type ServerHttp2Stream, sensitiveHeaders } from "node:http2";
import { parseBurden } from "./parse-burden.ts";

/** Calls over which the process's own CPU per call is taken. */
const callsMeasured = 200;

/** A longer step between two looks at the clock was somebody else's: it is not counted as burnt. */
const longestStepMs = 0.05;

const amounts = parseBurden(process.env.GATE_INJECT ?? "", "GATE_INJECT");
const burnMicros = amounts.burnShare > 0 ? shareOfOwn(amounts.burnShare) : () => amounts.burn;
const sleeper = new Int32Array(new SharedArrayBuffer(4));
// Of characters that HPACK does not shorten; never indexed, so it is sent in full each time.
const padding = "X".repeat(amounts.pad);

subscribe("http2.server.stream.start", (message) => {
  if (amounts.pad > 0 && hasStream(message)) pad(message.stream);
  burn(burnMicros());
  if (amounts.wait > 0) Atomics.wait(sleeper, 0, 0, amounts.wait / 1000);
});

function burn(micros: number): void {
  let left = micros / 1000;
  let last = performance.now();
  while (left > 0) {
    const now = performance.now();
    if (now - last < longestStepMs) left -= now - last;
    last = now;
  }
}

/** What to burn at each call, in microseconds: nothing until the first calls have shown what they cost without it. */
function shareOfOwn(share: number): () => number {
  let last = process.cpuUsage();
  let calls = 0;
  let each = 0;
  return () => {
    if (++calls === callsMeasured) {
      const { user, system } = process.cpuUsage(last);
      const own = Math.max(0, (user + system) / calls - each);
      last = process.cpuUsage();
      calls = 0;
      each = share * own;
    }
    return each;
  };
}

function pad(stream: ServerHttp2Stream): void {
  const respond = stream.respond.bind(stream);
  stream.respond = (headers, options) => {
    const extra = { "x-padding": padding, [sensitiveHeaders]: ["x-padding"] };
    respond(Object.assign({}, headers, extra), options);
  };
}

function hasStream(message: unknown): message is { readonly stream: ServerHttp2Stream } {
  return typeof message === "object" && message !== null && "stream" in message;
}
