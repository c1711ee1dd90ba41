import type { Metadata } from "@grpc/grpc-js";
import type { RequestMetadata } from "./call.ts";

/** Request metadata as grpc-js holds it; of values in bytes, their base64. */
export class GrpcJsMetadata implements RequestMetadata {
  readonly #metadata: Metadata;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
  }

  get(key: string): string | undefined {
    const value = this.#metadata.get(key)[0];
    return value === undefined || typeof value === "string" ? value : value.toString("base64");
  }
}
