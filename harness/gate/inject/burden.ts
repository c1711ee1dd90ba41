// Loaded before the system (`NODE_OPTIONS=--import=...`) to plant a regression from outside: GATE_INJECT=burn:20,wait:100,pad:40 burns
// 20 µs of CPU, sleeps 100 µs on the event loop and adds 40 bytes to the response of each call. The system does not know it.

import { subscribe } from "node:diagnostics_channel";
import { type ServerHttp2Stream, sensitiveHeaders } from "node:http2";

const amounts = parseBurden(process.env.GATE_INJECT ?? "");
const sleeper = new Int32Array(new SharedArrayBuffer(4));
// Of characters that HPACK does not shorten; never indexed, so it is sent in full each time.
const padding = "X".repeat(amounts.pad);

subscribe("http2.server.stream.start", (message) => {
  if (amounts.pad > 0 && hasStream(message)) pad(message.stream);
  if (amounts.burn > 0) burn(amounts.burn / 1000);
  if (amounts.wait > 0) Atomics.wait(sleeper, 0, 0, amounts.wait / 1000);
});

function burn(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
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

function parseBurden(text: string): { burn: number; wait: number; pad: number } {
  const result = { burn: 0, wait: 0, pad: 0 };
  for (const part of text.split(",").filter(Boolean)) {
    const [kind = "", amount = ""] = part.split(":");
    const value = Number(amount);
    if (!(kind === "burn" || kind === "wait" || kind === "pad") || !(value >= 0) || amount === "") {
      throw new Error(`GATE_INJECT=${text}: must be parts such as burn:20, wait:100 or pad:40`);
    }
    result[kind] = value;
  }
  return result;
}
