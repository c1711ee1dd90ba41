// The contents of pictures as files of one folder, each named by the SHA-256 of what it holds. A file appears under its name
// only when it is whole, verified and on the disk; until then it is a temporary one, which is removed however the upload ends.
// Files are never changed, and never removed: another product, or an old order, may show the same picture.
import { createHash } from "node:crypto";
import * as nodeFiles from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";

export interface ImageFilesOptions {
  /** Made when missing. May be shared by several processes. */
  readonly folder: string;
  readonly newId: NewId;
  readonly clock: Clock;
  /** Stands in for the file system in tests of its failures. */
  readonly files?: FileSystem;
}

export type FileSystem = Pick<typeof nodeFiles, "mkdir" | "open" | "readdir" | "rename" | "rm" | "stat">;

export interface ImageFiles {
  /**
   * Writes the chunks to a temporary file. DATA_LOSS when they are not of the announced length and digest, and
   * RESOURCE_EXHAUSTED when the disk is full; nothing is left behind then.
   */
  receive(announced: Content, chunks: AsyncIterable<Uint8Array>): Promise<ReceivedFile>;
  /** Pieces of up to 64 KiB. */
  read(sha256: string): AsyncGenerator<Uint8Array>;
}

export interface Content {
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface ReceivedFile {
  /** Gives the file its name. Without effect the second time. RESOURCE_EXHAUSTED when the disk is full. */
  place(): Promise<void>;
  /** Removes the file if it was not placed. */
  discard(): Promise<void>;
}

export const PIECE_BYTES = 64 * 1024;
const INCOMING = "incoming";
/** Longer than any upload may take: an older file was left by a process that was killed. */
const ABANDONED_MS = 3_600_000;

export async function openImageFiles(options: ImageFilesOptions): Promise<ImageFiles> {
  const { folder, newId, clock, files = nodeFiles } = options;
  const incoming = join(folder, INCOMING);
  await files.mkdir(incoming, { recursive: true });
  await removeAbandoned(incoming, files, clock.now() - ABANDONED_MS);
  return {
    async receive(announced, chunks) {
      const temporary = join(incoming, `${newId()}.part`);
      try {
        await roomFor(write(files, temporary, verified(announced, chunks)));
      } catch (error) {
        await files.rm(temporary, { force: true });
        throw error;
      }
      return receivedFile(files, temporary, pathOf(folder, announced.sha256));
    },
    read: (sha256) => read(files, pathOf(folder, sha256)),
  };
}

function pathOf(folder: string, sha256: string): string {
  return join(folder, sha256.slice(0, 2), sha256.slice(2));
}

async function removeAbandoned(incoming: string, files: FileSystem, before: number): Promise<void> {
  for (const name of await files.readdir(incoming)) {
    const path = join(incoming, name);
    // Another process may have finished with it meanwhile.
    const found = await files.stat(path).catch(() => undefined);
    if (found !== undefined && found.mtimeMs < before) await files.rm(path, { force: true });
  }
}

async function write(files: FileSystem, path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await files.open(path, "wx");
  try {
    for await (const chunk of chunks) await file.appendFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Ends with DATA_LOSS as soon as the chunks can no longer be what was announced. */
async function* verified(announced: Content, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > announced.sizeBytes)
      throw dataLoss("IMAGE_TOO_LONG", announced, { sizeBytes, sha256: "" });
    hash.update(chunk);
    yield chunk;
  }
  const sha256 = hash.digest("hex");
  if (sizeBytes < announced.sizeBytes) throw dataLoss("IMAGE_TOO_SHORT", announced, { sizeBytes, sha256 });
  if (sha256 !== announced.sha256) throw dataLoss("IMAGE_DIGEST_MISMATCH", announced, { sizeBytes, sha256 });
}

function receivedFile(files: FileSystem, temporary: string, final: string): ReceivedFile {
  let placed = false;
  return {
    async place() {
      if (placed) return;
      await roomFor(moveInto(files, temporary, final));
      placed = true;
    },
    async discard() {
      if (!placed) await files.rm(temporary, { force: true });
    },
  };
}

async function moveInto(files: FileSystem, from: string, to: string): Promise<void> {
  const folder = dirname(to);
  await files.mkdir(folder, { recursive: true });
  await files.rename(from, to);
  // So that the name outlives a power failure: a row will refer to it.
  const handle = await files.open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* read(files: FileSystem, path: string): AsyncGenerator<Uint8Array> {
  const file = await files.open(path, "r");
  try {
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function roomFor(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const full =
      error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
    throw full ? noRoom(error) : error;
  }
}

function noRoom(cause: Error): RpcError {
  return new RpcError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: "IMAGE_STORAGE_FULL",
    message: "there is no room for the picture",
    cause,
  });
}

function dataLoss(reason: string, announced: Content, received: Content): RpcError {
  return new RpcError({
    code: Code.DATA_LOSS,
    reason,
    message: "the content is not what the header announced",
    values: {
      announced_size_bytes: String(announced.sizeBytes),
      received_size_bytes: String(received.sizeBytes),
      announced_sha256: announced.sha256,
      ...(received.sha256 === "" ? {} : { received_sha256: received.sha256 }),
    },
  });
}
