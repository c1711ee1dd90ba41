// Ends connections that keep a server busy with PING and SETTINGS frames, which cost their sender nothing and must be answered. Frames that go
// with calls are no strikes: clients measure the line with a PING for each piece of a long response.
import { constants, type ServerHttp2Session } from "node:http2";
import type { Clock } from "./clock.ts";

const MINUTE_MS = 60_000;
/** The answer to a PING; that to SETTINGS is shorter. */
const ANSWER_BYTES = 17;

export function countControlFrames(session: ServerHttp2Session, maxPerMinute: number, clock: Clock): void {
  let frames = 0;
  let since = clock.monotonic();
  let sentBefore = 0;
  const strike = (): void => {
    if (session.destroyed) return;
    frames += 1;
    if (frames <= maxPerMinute) return;
    const now = clock.monotonic();
    const sent = session.socket.bytesWritten;
    const elsewhere = sent - sentBefore > frames * ANSWER_BYTES;
    if (!elsewhere && now - since < MINUTE_MS) {
      session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from("too_many_pings"));
      session.destroy();
      return;
    }
    frames = 0;
    since = now;
    sentBefore = sent;
  };
  session.on("ping", strike);
  session.on("remoteSettings", strike);
}
