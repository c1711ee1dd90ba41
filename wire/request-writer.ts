/** Writes requests to a session. The usual unary request is one copy and two patched stream ids. */
import { writeStreamId } from "./frames.ts";
import { TABLE_SIZE_ZERO } from "./hpack/encoder.ts";
import { headerFrames, type PreparedRequest } from "./prepared-request.ts";
import type { Session } from "./session.ts";
import type { Stream } from "./stream.ts";

const TABLE_SIZE_UPDATE = Buffer.of(TABLE_SIZE_ZERO);

export function writeUnary<Head>(
  session: Session<Head>,
  stream: Stream<Head>,
  prepared: PreparedRequest,
): void {
  const { wire, body } = prepared;
  const { sender, writer } = session;
  const atOnce = !session.owesTableSizeUpdate && sender.hasRoom(body.length, stream.sendWindow.available);
  if (wire === undefined || !atOnce) {
    writeHeaders(session, stream.id, prepared.block);
    sender.send(stream, body, true);
    return;
  }
  const at = writer.append(wire);
  writeStreamId(writer.buffer, at, stream.id);
  writeStreamId(writer.buffer, at + prepared.dataAt, stream.id);
  sender.window.available -= body.length;
  stream.sendWindow.available -= body.length;
  sender.framesSent++;
  stream.localEnded = true;
}

/** Begins a request whose body follows. */
export function writeHeaders<Head>(session: Session<Head>, streamId: number, block: Buffer): void {
  // Our blocks refer to no table, but a peer that made its table smaller waits to hear that we know.
  const owed = session.owesTableSizeUpdate ? Buffer.concat([TABLE_SIZE_UPDATE, block]) : block;
  session.owesTableSizeUpdate = false;
  for (const part of headerFrames(owed, streamId, false)) session.writer.append(part);
}
