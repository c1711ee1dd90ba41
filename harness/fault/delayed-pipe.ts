// Carries the bytes of one connection in one direction, each piece when the link says it has arrived, never out of order. Holds at
// most about the link's `bufferBytes`: a reader that does not read stops the sender, as TCP would. Passes on the end of the stream,
// and its breaking in both directions, as far as the link carries such news.

import type { Socket } from "node:net";
import type { LinkClock } from "./link-clock.ts";
import type { LinkDirection } from "./link-direction.ts";

interface Piece {
  /** Undefined: the sender has ended. */
  readonly bytes: Buffer | undefined;
  arrivalMs: number;
}

export interface DelayedPipe {
  /** Carries nothing from now on: what comes is read and forgotten, and neither socket learns of the other's end. */
  abandon(): void;
}

/** Pieces are at most this long, so that connections share the link fairly. */
const longestPieceBytes = 16_384;
const shortestPieceBytes = 256;
/** And at most what the link carries in that time, so that a limit of bandwidth is kept smoothly. */
const longestPieceMs = 50;

/** `back`: the other direction of the link, in which the sender learns that the receiver is gone. */
export function delayedPipe(
  from: Socket,
  to: Socket,
  direction: LinkDirection,
  back: LinkDirection,
  clock: LinkClock,
): DelayedPipe {
  const onTheWay: Piece[] = [];
  let held = 0;
  let lastArrivalMs = 0;
  let blocked = false;
  let over = false;
  let abandoned = false;
  let lost = false;
  let cancelTimer: (() => void) | undefined;

  const arrivalMs = (bytes: Buffer | undefined) => {
    lastArrivalMs = Math.max(lastArrivalMs, direction.arrivalMs(bytes?.length ?? 0));
    return lastArrivalMs;
  };
  const enter = (bytes: Buffer | undefined) => {
    if (over) return;
    if (direction.conditions.flow === "swallowed") {
      lost = true;
      return;
    }
    onTheWay.push({ bytes, arrivalMs: arrivalMs(bytes) });
    held += bytes?.length ?? 0;
  };
  const forget = () => {
    cancelTimer?.();
    cancelTimer = undefined;
    onTheWay.length = 0;
    held = 0;
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
    if (held < direction.conditions.bufferBytes && from.isPaused()) from.resume();
    const next = onTheWay[0];
    if (next !== undefined && !blocked && next.arrivalMs < Infinity) {
      cancelTimer = clock.after(Math.max(0, Math.ceil(next.arrivalMs - now)), deliver);
    }
  };
  const deliverSoon = () => {
    if (held >= direction.conditions.bufferBytes) from.pause();
    if (cancelTimer === undefined) deliver();
  };
  /** What is on its way sets out anew. */
  const changed = () => {
    const swallows = direction.conditions.flow === "swallowed";
    if (swallows && onTheWay.length > 0) {
      lost = true;
      forget();
    } else if (!swallows && lost) {
      from.resetAndDestroy();
      to.resetAndDestroy();
    }
    cancelTimer?.();
    lastArrivalMs = 0;
    for (const piece of onTheWay) piece.arrivalMs = arrivalMs(piece.bytes);
    deliver();
  };
  const unwatch = direction.watch(changed);
  const stop = () => {
    unwatch();
    forget();
    over = true;
    // Whoever still sends is read, until it learns that nobody listens.
    from.resume();
  };

  from.on("data", (chunk: Buffer) => {
    const bytes = pieceBytes(direction.conditions.bandwidthBytesPerSecond);
    for (let at = 0; at < chunk.length; at += bytes) enter(chunk.subarray(at, at + bytes));
    deliverSoon();
  });
  from.once("end", () => {
    enter(undefined);
    deliverSoon();
  });
  to.on("drain", () => {
    blocked = false;
    if (cancelTimer === undefined) deliver();
  });
  to.once("close", () => {
    stop();
    // Gone before it had everything: its peer will never read the rest. (After its own end, only a write finds that out.)
    if (!abandoned && !to.writableFinished) back.whenCarried(() => from.resetAndDestroy());
  });
  from.once("close", () => {
    // Broken rather than ended: what is on its way is lost, as with a reset.
    if (from.readableEnded || abandoned) return;
    direction.whenCarried(() => {
      stop();
      to.resetAndDestroy();
    });
  });
  return {
    abandon: () => {
      abandoned = true;
      stop();
    },
  };
}

function pieceBytes(bytesPerSecond: number): number {
  const smooth = Math.floor((bytesPerSecond * longestPieceMs) / 1000);
  return Math.min(longestPieceBytes, Math.max(shortestPieceBytes, smooth));
}
