/** Whatever bytes come, nothing is thrown at the socket's owner and every call ends once. */
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { limitsOf } from "./client-limits.ts";
import { WireConnection } from "./connection.ts";
import { frame } from "./frames.ts";
import { encodeMessage } from "./grpc-message.ts";
import { encodeHeaders } from "./hpack/encoder.ts";
import { settingsFrame } from "./settings.ts";

const ok = encodeHeaders([
  { name: ":status", value: "200" },
  { name: "content-type", value: "application/grpc" },
]);
const trailers = encodeHeaders([{ name: "grpc-status", value: "0" }]);
const payload = fc.oneof(
  fc.constantFrom(ok, trailers, encodeMessage(Buffer.from("hello"), false), Buffer.alloc(0)),
  fc.constantFrom(0, 1, 5, 65_536, 2 ** 31 - 1).map((value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  }),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);
const anyFrame = fc
  .tuple(
    fc.integer({ min: 0, max: 10 }),
    fc.constantFrom(0, 1, 4, 5, 8, 12, 0x20, 0x2d, 0xff),
    fc.constantFrom(0, 1, 3, 5, 7, 2),
    payload,
  )
  .map(([type, flags, streamId, bytes]) => frame(type, flags, streamId, bytes));
const likelyFrame = fc
  .constantFrom(1, 3, 5)
  .chain((id) =>
    fc.constantFrom(
      frame(1, 4, id, ok),
      frame(0, 0, id, encodeMessage(Buffer.from("hello"), false)),
      frame(0, 1, id, Buffer.alloc(3)),
      frame(0, 1, id, Buffer.alloc(10)),
      frame(1, 5, id, trailers),
      frame(1, 0, id, ok),
      frame(9, 4, id, Buffer.alloc(0)),
      frame(3, 0, id, Buffer.of(0, 0, 0, 7)),
      frame(8, 0, id, Buffer.of(0, 0, 1, 0)),
      frame(7, 0, 0, Buffer.of(0, 0, 0, id, 0, 0, 0, 0)),
    ),
  );
const frames = fc.array(fc.oneof({ weight: 3, arbitrary: likelyFrame }, anyFrame), { maxLength: 25 });

test("any frames at all leave every call ended exactly once", async () => {
  await fc.assert(
    fc.asyncProperty(frames, fc.integer({ min: 1, max: 64 }), async (sent, size) => {
      const socket = new PassThrough();
      socket.resume();
      const connection = new WireConnection(socket, limitsOf({}), "test", "http", 1);
      const greeting = settingsFrame({ maxConcurrentStreams: 4, initialWindowBytes: 30 });
      connection.receive(greeting, 0, greeting.length);
      await connection.ready;
      const ends = [0, 0, 0, 0, 0, 0];
      const prepared = connection.prepare({ path: "/a.B/C", message: Buffer.alloc(40) });
      for (const position of ends.keys()) {
        connection.unary(prepared, (result) => {
          ends[position] = (ends[position] ?? 0) + 1;
          expect(result.grpcStatus === 0).toBe(result.failure === undefined && result.messageBytes === 5);
        });
      }
      const stream = connection.open({ path: "/a.B/Chat" });
      const bytes = Buffer.concat(sent);
      for (let at = 0; at < bytes.length; at += size) {
        connection.receive(bytes, at, Math.min(bytes.length, at + size));
      }
      await connection.close();
      expect((await (await stream).outcome).grpcStatus).toBeTypeOf("number");
      await Promise.resolve();
      expect(ends).toEqual([1, 1, 1, 1, 1, 1]);
      expect(connection.stats()).toMatchObject({ openStreams: 0, queuedCalls: 0 });
    }),
    { numRuns: 300 },
  );
});
