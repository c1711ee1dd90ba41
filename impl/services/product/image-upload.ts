// The protocol of an upload: a header, then chunks, and nothing else.
import { invalidArgument, type RpcError } from "#impl/runtime/rpc-error.ts";
import type { ImageHeader, UploadProductImageRequest } from "#proto/ecommerce/v1/product_service.ts";

export interface Upload {
  readonly header: ImageHeader;
  /** To be read once. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Reads the header and leaves the rest. INVALID_ARGUMENT when something else comes first, and later when another header comes. */
export async function openUpload(messages: AsyncIterable<UploadProductImageRequest>): Promise<Upload> {
  const reader = messages[Symbol.asyncIterator]();
  const { value: first } = await reader.next();
  const part: UploadProductImageRequest["part"] = first?.part;
  if (part?.$case !== "header") throw outOfOrder("header", "must be in the first message");
  return { header: part.value, chunks: chunksOf(reader) };
}

async function* chunksOf(reader: AsyncIterator<UploadProductImageRequest>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await reader.next();
    if (done) return;
    if (value.part?.$case !== "chunk") throw outOfOrder("header", "may only be in the first message");
    yield value.part.value;
  }
}

function outOfOrder(field: string, description: string): RpcError {
  return invalidArgument([{ field, description, reason: "stream.order" }]);
}
