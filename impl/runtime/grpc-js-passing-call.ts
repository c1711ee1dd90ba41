// What grpc-js's own handlers would ask of a call, passed on to the transport.
import type { Metadata, ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { PartialStatusObject } from "./grpc-js-status.ts";

export class PassingCall implements ServerInterceptingCallInterface {
  readonly #transport: ServerInterceptingCallInterface;
  readonly #sendStatus: ServerInterceptingCallInterface["sendStatus"];

  constructor(transport: ServerInterceptingCallInterface) {
    this.#transport = transport;
    // As it is now: whoever extends this may put another in its place.
    this.#sendStatus = transport.sendStatus;
  }

  start(listener: Parameters<ServerInterceptingCallInterface["start"]>[0]): void {
    this.#transport.start(listener);
  }
  sendMetadata(metadata: Metadata): void {
    this.#transport.sendMetadata(metadata);
  }
  sendMessage(message: unknown, sent: () => void): void {
    this.#transport.sendMessage(message, sent);
  }
  sendStatus(status: PartialStatusObject): void {
    this.#sendStatus.call(this.#transport, status);
  }
  startRead(): void {
    this.#transport.startRead();
  }
  getPeer(): string {
    return peerOf(this.#transport);
  }
  getDeadline(): ReturnType<ServerInterceptingCallInterface["getDeadline"]> {
    return this.#transport.getDeadline();
  }
  getHost(): string {
    return this.#transport.getHost();
  }
  getAuthContext(): ReturnType<ServerInterceptingCallInterface["getAuthContext"]> {
    return this.#transport.getAuthContext();
  }
  getConnectionInfo(): ReturnType<ServerInterceptingCallInterface["getConnectionInfo"]> {
    return this.#transport.getConnectionInfo();
  }
  getMetricsRecorder(): ReturnType<ServerInterceptingCallInterface["getMetricsRecorder"]> {
    return this.#transport.getMetricsRecorder();
  }
}

/** From what grpc-js has looked up already: its own `getPeer` goes through http2's proxy of the socket once more. */
export function peerOf(transport: ServerInterceptingCallInterface): string {
  const { remoteAddress, remotePort } = transport.getConnectionInfo();
  return remoteAddress === undefined ? "unknown" : `${remoteAddress}:${remotePort}`;
}
