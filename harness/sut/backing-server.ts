/** A server that the system under test keeps its state in. */
export interface BackingServer {
  readonly url: string;
  /** Without effect on one that is somebody else's. */
  stop(): Promise<void>;
}
