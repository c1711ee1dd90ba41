// AnalyticsService: figures from what was counted of the other services. Who may read and report is the policy's matter.
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import { AnalyticsServiceDefinition } from "#proto/ecommerce/v1/analytics.ts";
import { getDashboard } from "./dashboard.ts";
import { createProgressReader } from "./progress.ts";
import { type RpcFiguresContext, reportRpcFigures } from "./rpc-figures.ts";
import { METRICS_PACE, type MetricsStreamContext, streamMetrics } from "./stream-metrics.ts";

export type AnalyticsServiceOptions = Omit<MetricsStreamContext, "progress"> & RpcFiguresContext;

export function createAnalyticsService(options: AnalyticsServiceOptions): ServiceImplementation {
  const { pace = METRICS_PACE } = options;
  const progress = createProgressReader({ ...options, freshMs: pace.finalMs });
  const stream: MetricsStreamContext = { ...options, pace, progress };
  return implement(AnalyticsServiceDefinition, {
    streamMetrics: (request, call) => streamMetrics(stream, request, call),
    getDashboard: (request, { signal }) => getDashboard(options, request, signal),
    async reportRpcFigures(request, { signal }) {
      await reportRpcFigures(options, request, signal);
      return {};
    },
  });
}
