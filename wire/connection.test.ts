/** Calls under a connection that ends. */
import type { ServerHttp2Stream } from "node:http2";
import { afterEach, describe, expect, test } from "vitest";
import { connect } from "./client.ts";
import { ErrorCode, FrameType, goawayFrame, LARGEST_STREAM_ID } from "./frames.ts";
import { type Http2Peer, startHttp2, stopHttp2, unary } from "./http2-peer.ts";
import { okResponse, scriptPeer } from "./scripted-peer.ts";

afterEach(stopHttp2);

describe("however a connection ends, every call ends once", () => {
  const failures = async (end: (fixture: Http2Peer, streams: ServerHttp2Stream[]) => void) => {
    const streams: ServerHttp2Stream[] = [];
    const arrived = Promise.withResolvers<void>();
    const fixture = await startHttp2(
      (stream) => {
        if (streams.push(stream) === 4) arrived.resolve();
      },
      { maxConcurrentStreams: 4 },
    );
    const closed = new Promise((resolve) => {
      fixture.connection.onClose = resolve;
    });
    const ended: number[] = [];
    const calls = Array.from({ length: 6 }, (_, position) =>
      unary(fixture.connection).finally(() => ended.push(position)),
    );
    const stream = fixture.connection.open({ path: "/a.B/Stream" });
    await arrived.promise;
    end(fixture, streams);
    const results = await Promise.all(calls);
    const outcome = await (await stream).outcome;
    await closed;
    expect(ended).toHaveLength(6);
    expect(await unary(fixture.connection)).toMatchObject({ failure: "not-processed", grpcStatus: 14 });
    return [...results.map(({ failure }) => failure), outcome.failure];
  };
  const waiting = Array.from({ length: 3 }, () => "not-processed");
  const four = (failure: string) => Array.from({ length: 4 }, () => failure);

  test("the server is killed", async () => {
    expect(await failures(({ session }) => session.destroy())).toEqual([
      ...four("connection-lost"),
      ...waiting,
    ]);
  });

  test("the owner closes", async () => {
    const ends = await failures(({ connection }) => void connection.close());
    expect(ends).toEqual([...four("closed"), "closed", "closed", "closed"]);
  });

  test("the server goes away with an error, having processed none", async () => {
    await using peer = await scriptPeer({ maxConcurrentStreams: 2 });
    const connection = await connect({ host: "127.0.0.1", port: peer.port });
    const ends: string[] = [];
    const closed = new Promise((resolve) => {
      connection.onClose = (error) => {
        ends.push("closed");
        resolve(error);
      };
    });
    const calls = [1, 2, 3, 4].map(() => unary(connection).then(({ failure }) => ends.push(String(failure))));
    await peer.frame((seen) => seen.type === FrameType.DATA && seen.streamId === 3);
    peer.say(goawayFrame(0, ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings"));
    expect(await closed).toMatchObject({ fault: "peer-refused", code: ErrorCode.ENHANCE_YOUR_CALM });
    await Promise.all(calls);
    expect(ends.sort()).toEqual(["closed", ...four("not-processed")]);
    await peer.clientGone;
  });
});

test("after GOAWAY calls up to the last stream end well, later ones are not processed, and the connection closes", async () => {
  await using peer = await scriptPeer();
  const connection = await connect({ host: "127.0.0.1", port: peer.port });
  const closed = new Promise((resolve) => {
    connection.onClose = resolve;
  });
  const calls = Array.from({ length: 3 }, () => unary(connection));
  await peer.frame((seen) => seen.type === FrameType.DATA && seen.streamId === 5);
  peer.say(goawayFrame(LARGEST_STREAM_ID, 0, "soon"), goawayFrame(3, 0, "now"));
  expect((await calls[2])?.failure).toBe("not-processed");
  expect(connection.usable).toBe(false);
  expect((await unary(connection)).failure).toBe("not-processed");
  peer.say(okResponse(1), okResponse(3));
  expect((await Promise.all(calls)).map(({ failure }) => failure)).toEqual([
    undefined,
    undefined,
    "not-processed",
  ]);
  expect(await closed).toBeUndefined();
  await peer.clientGone;
});

test("a peer that hangs up without a word loses every call", async () => {
  await using peer = await scriptPeer();
  const connection = await connect({ host: "127.0.0.1", port: peer.port });
  const calls = [unary(connection), unary(connection)];
  await peer.frame((seen) => seen.type === FrameType.DATA && seen.streamId === 3);
  peer.hangUp();
  for (const result of await Promise.all(calls)) {
    expect(result).toMatchObject({ failure: "connection-lost", grpcStatus: 14 });
  }
});

test("when stream ids run out the connection drains and closes in good order", async () => {
  await using peer = await scriptPeer();
  const connection = await connect({
    host: "127.0.0.1",
    port: peer.port,
    firstStreamId: LARGEST_STREAM_ID - 2,
  });
  const calls = [unary(connection), unary(connection), unary(connection)];
  await peer.frame((seen) => seen.type === FrameType.DATA && seen.streamId === LARGEST_STREAM_ID);
  peer.say(okResponse(LARGEST_STREAM_ID - 2), okResponse(LARGEST_STREAM_ID));
  expect((await Promise.all(calls)).map(({ failure }) => failure)).toEqual([
    undefined,
    undefined,
    "not-processed",
  ]);
  await peer.clientGone;
});
