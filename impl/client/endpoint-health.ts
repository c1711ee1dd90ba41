// What an endpoint says of itself: a stream of grpc.health.v1 on one of its connections, opened again whenever it ends. After gRFC A17: a
// server without the service counts as healthy; one whose answer is not known yet, or whose stream broke, does not.
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import type { CancelTimer, Clock } from "#impl/runtime/clock.ts";
import type { Connection } from "./connection.ts";

const WATCH = healthService.Watch;
const RETRY_MS = 1_000;

export type Health = "unknown" | "serving" | "notServing";

export class EndpointHealth {
  readonly #service: string;
  readonly #connection: () => Connection | undefined;
  readonly #clock: Clock;
  readonly #onChange: (health: Health) => void;
  #health: Health = "unknown";
  #stream: { cancel(): void } | undefined;
  #cancelRetry: CancelTimer = () => {};
  #stopped = false;

  /** `service` is whose health is asked for; empty for the server's. */
  constructor(
    service: string,
    connection: () => Connection | undefined,
    clock: Clock,
    onChange: (health: Health) => void,
  ) {
    this.#service = service;
    this.#connection = connection;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get health(): Health {
    return this.#health;
  }

  /** Watches on a connection that is ready, unless it does already. Called whenever a connection becomes ready. */
  watch(): void {
    const connection = this.#connection();
    if (this.#stopped || this.#stream !== undefined || connection === undefined) return;
    this.#cancelRetry();
    const client = new Client("health", credentials.createInsecure(), {
      channelOverride: connection.subchannel.getChannel(),
    });
    const stream = client.makeServerStreamRequest(
      WATCH?.path ?? "",
      WATCH?.requestSerialize ?? never,
      WATCH?.responseDeserialize ?? never,
      { service: this.#service },
      new Metadata(),
    );
    this.#stream = stream;
    stream.on("data", (answer: { status: string }) =>
      this.#set(answer.status === "SERVING" ? "serving" : "notServing"),
    );
    stream.on("error", () => {});
    stream.on("status", ({ code }: Pick<ServiceError, "code">) => this.#ended(code));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRetry();
    const stream = this.#stream;
    stream?.cancel();
    // grpc-js forgets a cancellation that comes while a call on a single subchannel is being started.
    setImmediate(() => stream?.cancel());
  }

  #ended(code: status): void {
    this.#stream = undefined;
    if (this.#stopped) return;
    if (code === status.UNIMPLEMENTED) {
      this.#set("serving");
      return;
    }
    this.#set("notServing");
    this.#cancelRetry = this.#clock.after(RETRY_MS, () => this.watch());
  }

  #set(health: Health): void {
    if (this.#stopped || health === this.#health) return;
    this.#health = health;
    this.#onChange(health);
  }
}

function never(): never {
  throw new Error("grpc-health-check does not define Watch");
}
