// Carries the bytes of one connection in one direction, each piece when the link says it has arrived, never out of order. Holds at
// most about `bufferBytes`: a reader that does not read stops the sender, as TCP would. Passes on the end of the stream,
// and its breaking in both directions.

import type { Socket } from "node:net";
import type { LinkClock } from "./link-clock.ts";
import type { LinkDirection } from "./link-direction.ts";

interface Piece {
  /** Undefined: the sender has ended. */
  readonly bytes: Buffer | undefined;
  readonly arrivalMs: number;
}

/** Pieces are at most this long, so that connections share the link fairly and a limit of bandwidth is kept smoothly. */
const pieceBytes = 16_384;

export function delayedPipe(
  from: Socket,
  to: Socket,
  direction: LinkDirection,
  bufferBytes: number,
  clock: LinkClock,
): void {
  const onTheWay: Piece[] = [];
  let held = 0;
  let lastArrivalMs = 0;
  let blocked = false;
  let cancelTimer: (() => void) | undefined;

  const enter = (bytes: Buffer | undefined) => {
    lastArrivalMs = Math.max(lastArrivalMs, direction.arrivalMs(bytes?.length ?? 0));
    onTheWay.push({ bytes, arrivalMs: lastArrivalMs });
    held += bytes?.length ?? 0;
  };
  const deliver = () => {
    cancelTimer = undefined;
    const now = clock.nowMs();
    for (let piece = onTheWay[0]; piece !== undefined && !blocked; piece = onTheWay[0]) {
      if (piece.arrivalMs > now) break;
      onTheWay.shift();
      held -= piece.bytes?.length ?? 0;
      if (piece.bytes === undefined) to.end();
      else blocked = !to.write(piece.bytes);
    }
    if (held < bufferBytes && from.isPaused()) from.resume();
    const next = onTheWay[0];
    if (next !== undefined && !blocked) schedule(next.arrivalMs - now);
  };
  const schedule = (ms: number) => {
    cancelTimer ??= clock.after(Math.max(0, Math.ceil(ms)), deliver);
  };
  const afterEntering = () => {
    if (held >= bufferBytes) from.pause();
    const next = onTheWay[0];
    if (next !== undefined && !blocked) schedule(next.arrivalMs - clock.nowMs());
  };

  from.on("data", (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += pieceBytes) enter(chunk.subarray(at, at + pieceBytes));
    afterEntering();
  });
  from.once("end", () => {
    enter(undefined);
    afterEntering();
  });
  to.on("drain", () => {
    blocked = false;
    deliver();
  });
  const stop = () => {
    cancelTimer?.();
    blocked = true;
    onTheWay.length = 0;
    held = 0;
  };
  to.once("close", () => {
    stop();
    // Gone before it had everything: its peer will never read the rest. (After its own end, only a write finds that out.)
    if (!to.writableFinished) from.resetAndDestroy();
  });
  from.once("close", () => {
    // Broken rather than ended: what is on its way is lost, as with a reset.
    if (from.readableEnded) return;
    stop();
    to.resetAndDestroy();
  });
}
