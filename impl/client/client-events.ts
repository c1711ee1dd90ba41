// What a client tells while it works, beside the outcome of calls: changes that a person may have to know of.
export type ClientEvent =
  | {
      readonly type: "breaker";
      readonly address: string;
      /** The group of methods. */
      readonly group: string;
      readonly state: "closed" | "open" | "halfOpen";
    }
  | { readonly type: "ejected"; readonly address: string; readonly forMs: number }
  | { readonly type: "endpoints"; readonly addresses: readonly string[] }
  | { readonly type: "discoveryFailed"; readonly error: unknown }
  | { readonly type: "health"; readonly address: string; readonly serving: boolean }
  | {
      readonly type: "connection";
      readonly address: string;
      readonly connection: number;
      readonly state: ConnectionState;
      readonly error?: string;
    }
  | { readonly type: "resumed"; readonly method: string; readonly attempt: number; readonly error: unknown };

export type ConnectionState = "idle" | "connecting" | "ready" | "failed" | "closed";

export type ClientEventListener = (event: ClientEvent) => void;
