// Counts every call: started, open, ended by code, how long, how many bytes. Its counters are found once a method.
import type { Metrics } from "#impl/observability/metrics.ts";
import type { Link } from "#impl/runtime/handler.ts";

export function callMetrics(metrics: Metrics): Link {
  return (method, next) => {
    const series = metrics.callsOf(method);
    const { onFinish } = series;
    return (call, input) => {
      series.started += 1;
      call.onFinish(onFinish);
      return next(call, input);
    };
  };
}
