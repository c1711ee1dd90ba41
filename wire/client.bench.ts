/**
 * CPU per unary call of this client against grpc-js's, in one process, turn by turn, against a cheap server in
 * a child process. Only the ratio, printed last, means anything on a shared machine.
 *
 *   node wire/client.bench.ts [seconds a turn, default 2] [turns of each, default 3]
 */
import { fork } from "node:child_process";
import { createServer, type Socket } from "node:net";
import { Client, credentials } from "@grpc/grpc-js";
import { connect } from "./client.ts";
import { FrameReader } from "./frame-reader.ts";
import { CLIENT_PREFACE, Flag, FrameType, frame, writeStreamId } from "./frames.ts";
import { encodeMessage } from "./grpc-message.ts";
import { encodeHeaders } from "./hpack/encoder.ts";
import { SETTINGS_ACK, settingsFrame } from "./settings.ts";

const IN_FLIGHT = 64;
const REQUEST = Buffer.alloc(43, 1);
const RESPONSE = Buffer.alloc(248, 2);
const PATH = "/bench.Echo/Get";

interface Sample {
  readonly calls: number;
  readonly cpuUsPerCall: number;
}

/** Starts calls so that IN_FLIGHT are open, for a while; `start` must call back once a call. */
async function measure(seconds: number, start: (done: () => void) => void): Promise<Sample> {
  const before = process.cpuUsage();
  const until = performance.now() + seconds * 1000;
  let calls = 0;
  await new Promise<void>((resolve) => {
    let open = 0;
    const next = () => {
      open++;
      start(() => {
        open--;
        calls++;
        if (performance.now() < until) next();
        else if (open === 0) resolve();
      });
    };
    for (let count = 0; count < IN_FLIGHT; count++) next();
  });
  const { user, system } = process.cpuUsage(before);
  return { calls, cpuUsPerCall: (user + system) / calls };
}

/** Answers every request with the same bytes, without looking at it: never the limit of what is measured. */
function serve(): void {
  const head = encodeHeaders([
    { name: ":status", value: "200" },
    { name: "content-type", value: "application/grpc" },
  ]);
  const parts = [
    frame(FrameType.HEADERS, Flag.END_HEADERS, 0, head),
    frame(FrameType.DATA, 0, 0, encodeMessage(RESPONSE, false)),
    frame(
      FrameType.HEADERS,
      Flag.END_HEADERS | Flag.END_STREAM,
      0,
      encodeHeaders([{ name: "grpc-status", value: "0" }]),
    ),
  ];
  const server = createServer((socket) => answer(socket, parts));
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address !== null && typeof address === "object") process.send?.(address.port);
  });
  process.once("disconnect", () => process.exit());
}

function answer(socket: Socket, parts: readonly Buffer[]): void {
  socket.setNoDelay(true);
  let batch: Buffer[] = [];
  let received = 0;
  const reader = new FrameReader(16_384, (type, flags, streamId, bytes, start, end) => {
    if (type === FrameType.SETTINGS && (flags & Flag.ACK) === 0) batch.push(SETTINGS_ACK);
    if (type === FrameType.PING && (flags & Flag.ACK) === 0) {
      batch.push(frame(FrameType.PING, Flag.ACK, 0, bytes.subarray(start, end)));
    }
    if (type !== FrameType.DATA) return;
    received += end - start;
    for (const part of parts) {
      const copy = Buffer.from(part);
      writeStreamId(copy, 0, streamId);
      batch.push(copy);
    }
  });
  let preface = CLIENT_PREFACE.length;
  socket.write(settingsFrame({ maxConcurrentStreams: 1_000 }));
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    const skip = Math.min(preface, chunk.length);
    preface -= skip;
    reader.push(chunk, skip, chunk.length);
    if (received > 16_000) {
      const update = frame(FrameType.WINDOW_UPDATE, 0, 0, Buffer.alloc(4));
      update.writeUInt32BE(received, 9);
      batch.push(update);
      received = 0;
    }
    if (batch.length > 0) socket.write(Buffer.concat(batch));
    batch = [];
  });
}

async function main(): Promise<void> {
  const seconds = Number(process.argv[2] ?? 2);
  const turns = Number(process.argv[3] ?? 3);
  const child = fork(import.meta.filename, ["serve"]);
  const port = await new Promise<number>((resolve) =>
    child.once("message", (value) => resolve(Number(value))),
  );
  const connection = await connect({ host: "127.0.0.1", port });
  const request = connection.prepare({ path: PATH, message: REQUEST });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  const wire = (done: () => void) =>
    void connection.unary(request, (result) => {
      if (result.grpcStatus !== 0) throw new Error(`wire: ${result.grpcMessage}`);
      done();
    });
  const grpcJs = (done: () => void) =>
    void client.makeUnaryRequest(PATH, same, same, REQUEST, (error) => {
      if (error !== null) throw error;
      done();
    });
  await measure(1, wire);
  await measure(1, grpcJs);
  const pairs: { ours: number; theirs: number }[] = [];
  for (let turn = 1; turn <= turns; turn++) {
    const ours = await measure(seconds, wire);
    const theirs = await measure(seconds, grpcJs);
    pairs.push({ ours: ours.cpuUsPerCall, theirs: theirs.cpuUsPerCall });
    print(`turn ${turn}: wire ${show(ours)}, grpc-js ${show(theirs)}`);
  }
  const { socketWrites, bytesSent } = connection.stats();
  print(`wire: ${(bytesSent / socketWrites).toFixed(0)} bytes a socket write`);
  const ratios = pairs.map(({ ours, theirs }) => theirs / ours).sort((a, b) => a - b);
  client.close();
  await connection.close();
  child.disconnect();
  print(
    `grpc-js costs ${(ratios[Math.floor(ratios.length / 2)] ?? Number.NaN).toFixed(1)} times the CPU of wire (median)`,
  );
}

function show({ calls, cpuUsPerCall }: Sample): string {
  return `${cpuUsPerCall.toFixed(2)} us CPU a call (${calls} calls)`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

if (process.argv[2] === "serve") serve();
else await main();
