// The state of a client as metrics: read from its statistics when they are asked for.
import type { Registry } from "prom-client";
import { addGauge, type Sample } from "#impl/observability/metric-views.ts";
import type { ConnectionState } from "./client-events.ts";
import type { EndpointStats } from "./fleet.ts";

/** Pinned names; dashboards and alerts use them. */
export const CLIENT_METRIC = {
  connections: "grpc_client_connections",
  inFlight: "grpc_client_attempts_in_flight",
  latency: "grpc_client_endpoint_latency_seconds",
  healthy: "grpc_client_endpoint_healthy",
  ejected: "grpc_client_endpoint_ejected",
  breaker: "grpc_client_breaker_state",
} as const;

/** Values of `CLIENT_METRIC.breaker`. */
export const BREAKER_VALUE = { closed: 0, halfOpen: 1, open: 2 } as const;

const STATES: readonly ConnectionState[] = ["idle", "connecting", "ready", "failed"];

export type LabelledStats = EndpointStats & {
  /** Of the service that is called, where there are clients of several. */
  readonly service?: string;
};

export function addClientMetrics(registry: Registry, stats: () => readonly LabelledStats[]): void {
  const each = (read: (endpoint: LabelledStats) => number): (() => Sample[]) => {
    return () => stats().map((endpoint) => ({ labels: labelsOf(endpoint), value: read(endpoint) }));
  };
  addGauge(registry, CLIENT_METRIC.connections, "Connections of the client by endpoint and state.", () =>
    stats().flatMap((endpoint) =>
      STATES.map((state) => ({
        labels: { ...labelsOf(endpoint), state },
        value: endpoint.connections.filter((connection) => connection.state === state).length,
      })),
    ),
  );
  addGauge(
    registry,
    CLIENT_METRIC.inFlight,
    "Attempts under way.",
    each(({ outstanding }) => outstanding),
  );
  addGauge(
    registry,
    CLIENT_METRIC.latency,
    "Moving average of the time of a unary attempt.",
    each(({ latencyMs }) => latencyMs / 1_000),
  );
  addGauge(
    registry,
    CLIENT_METRIC.healthy,
    "Whether the endpoint says that it serves.",
    each(({ health }) => Number(health === "serving")),
  );
  addGauge(
    registry,
    CLIENT_METRIC.ejected,
    "Whether the endpoint is left out as an outlier.",
    each(({ ejected }) => Number(ejected)),
  );
  addGauge(registry, CLIENT_METRIC.breaker, "State of a breaker: 0 closed, 1 half open, 2 open.", () =>
    stats().flatMap((endpoint) =>
      Object.entries(endpoint.breakers).map(([group, state]) => ({
        labels: { ...labelsOf(endpoint), group },
        value: BREAKER_VALUE[state],
      })),
    ),
  );
}

function labelsOf({ address, service }: LabelledStats): Record<string, string> {
  return service === undefined ? { endpoint: address } : { service, endpoint: address };
}
