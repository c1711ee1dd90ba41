// Makes spans, and takes them where they are exported. Nothing is global: no provider is registered and no context manager installed;
// a span travels on its Call. Spans hold names and codes only: no user, no address, no message text.
import type { Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Random } from "#impl/runtime/ids.ts";

export interface TracingOptions {
  /** Share of the calls without a traced or untraced parent that begin a trace, 0 to 1. */
  readonly sampleRatio: number;
  readonly random: Random;
  readonly clock: Clock;
  /** The resource's service.name. */
  readonly serviceName: string;
  /** OTLP over HTTP, such as "http://localhost:4318/v1/traces". Without it and `exporter`, spans only give log lines their trace id. */
  readonly endpoint?: string;
  /** Gets each span when it ends; for tests. */
  readonly exporter?: SpanExporter;
  /** How long `shutdown` may take. Default 2000. */
  readonly shutdownTimeoutMs?: number;
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Whether a call without a parent begins a trace. */
  startsTrace(): boolean;
  /** Exports what is left, and gives up after the timeout. Never rejects: at the end nobody can act on it. Safe to call twice. */
  shutdown(): Promise<void>;
}

/** Throws a RangeError or TypeError on an invalid option. */
export function createTracing(options: TracingOptions): Tracing {
  const { sampleRatio, random, clock } = options;
  if (!(sampleRatio >= 0 && sampleRatio <= 1)) {
    throw new RangeError(`sampleRatio ${sampleRatio}: must be from 0 to 1`);
  }
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": options.serviceName }),
    // The link asks only for spans that are sampled.
    sampler: new AlwaysOnSampler(),
    spanProcessors: processors(options),
  });
  const shutdown = async (): Promise<void> => {
    let cancel = (): void => {};
    const timeout = new Promise<void>((resolve) => {
      cancel = clock.after(options.shutdownTimeoutMs ?? 2_000, resolve);
    });
    await Promise.race([provider.shutdown().catch(() => {}), timeout]);
    cancel();
  };
  let done: Promise<void> | undefined;
  return {
    tracer: provider.getTracer("grpc-ecommerce"),
    startsTrace: () => random() < sampleRatio,
    shutdown() {
      done ??= shutdown();
      return done;
    },
  };
}

function processors({ endpoint, exporter }: TracingOptions): SpanProcessor[] {
  const all: SpanProcessor[] = [];
  if (exporter !== undefined) all.push(new SimpleSpanProcessor(exporter));
  if (endpoint !== undefined) {
    if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
      throw new TypeError(`endpoint "${endpoint}": must be an http or https URL`);
    }
    all.push(new BatchSpanProcessor(new OTLPTraceExporter({ url: endpoint, timeoutMillis: 5_000 })));
  }
  return all;
}
