// The usual client as a driver, with bytes passed through: there only to say what a load generator made of it would cost.

import {
  type Client,
  type ClientOptions,
  credentials,
  Client as GrpcClient,
  type Metadata,
  status,
} from "@grpc/grpc-js";
import { type Driver, noStatus } from "./driver.ts";

export interface GrpcJsRequest {
  /** "/pkg.Service/Method" */
  readonly path: string;
  readonly message: Buffer;
  readonly metadata: Metadata;
}

export interface GrpcJsDriver extends Driver<GrpcJsRequest> {
  close(): void;
}

/** Plain text. Its bytes on the wire are not known, and reported as 0. */
export function createGrpcJsDriver(address: string, options: ClientOptions = {}): GrpcJsDriver {
  const client: Client = new GrpcClient(address, credentials.createInsecure(), options);
  const passThrough = (bytes: Buffer) => bytes;
  return {
    send: ({ path, message, metadata }, onDone) => {
      client.makeUnaryRequest(path, passThrough, passThrough, message, metadata, (error) => {
        if (error === null) onDone(status.OK);
        else onDone(error.code === status.UNAVAILABLE ? noStatus : error.code);
      });
    },
    wireBytes: () => ({ sent: 0, received: 0 }),
    close: () => client.close(),
  };
}
