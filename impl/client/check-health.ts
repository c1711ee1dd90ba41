// Whether what a client calls serves: grpc.health.v1 asked for each service, and what the endpoints said.
import { type Client, Metadata } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import type { Clock } from "#impl/runtime/clock.ts";
import { codeName } from "#impl/runtime/status.ts";
import type { EndpointStats } from "./fleet.ts";

/** `UNKNOWN`: nobody could be asked, or nobody knows the service. */
export type ServiceHealth = "SERVING" | "NOT_SERVING" | "UNKNOWN";

export interface HealthReport {
  /** All services serve, and an endpoint can take calls. */
  readonly healthy: boolean;
  /** By full name. */
  readonly services: Readonly<Record<string, { readonly status: ServiceHealth; readonly error?: string }>>;
  readonly endpoints: ReadonlyArray<{
    readonly address: string;
    readonly health: EndpointStats["health"];
    readonly connected: boolean;
  }>;
}

export interface HealthSources {
  readonly channel: Client;
  readonly clock: Clock;
  readonly services: readonly string[];
  readonly endpoints: () => readonly EndpointStats[];
  readonly deadlineMs: number;
}

/** Never rejects. */
export async function checkHealth(sources: HealthSources): Promise<HealthReport> {
  const answers = await Promise.all(
    sources.services.map(async (service) => [service, await ask(service, sources)] as const),
  );
  const endpoints = sources.endpoints().map(({ address, health, connections }) => ({
    address,
    health,
    connected: connections.some(({ state }) => state === "ready"),
  }));
  const healthy =
    answers.every(([, { status }]) => status === "SERVING") &&
    endpoints.some(({ health, connected }) => connected && health === "serving");
  return { healthy, services: Object.fromEntries(answers), endpoints };
}

type Answer = HealthReport["services"][string];

function ask(service: string, { channel, clock, deadlineMs }: HealthSources): Promise<Answer> {
  const check = healthService.Check;
  if (check === undefined) throw new Error("grpc-health-check does not define Check");
  return new Promise((resolve) => {
    channel.makeUnaryRequest(
      check.path,
      check.requestSerialize,
      (bytes) => check.responseDeserialize(bytes) as unknown as { readonly status: string },
      { service },
      new Metadata(),
      { deadline: clock.now() + deadlineMs },
      (error, answer) => {
        if (error === null) resolve({ status: answer?.status === "SERVING" ? "SERVING" : "NOT_SERVING" });
        else resolve({ status: "UNKNOWN", error: `${codeName(error.code)}: ${error.details}` });
      },
    );
  });
}
