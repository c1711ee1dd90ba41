// The links of the pipeline from configuration.

import type { Config } from "./config.ts";
import { type LimitParts, limitLinks } from "./limit-links.ts";
import { accessLog } from "./middleware/access-log.ts";
import { auditRefusals } from "./middleware/audit-refusals.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { authorize } from "./middleware/authorize.ts";
import { cache } from "./middleware/cache.ts";
import { chain } from "./middleware/chain.ts";
import { compress } from "./middleware/compress.ts";
import { deadline } from "./middleware/deadline.ts";
import { callMetrics } from "./middleware/metrics.ts";
import { traceCalls } from "./middleware/trace.ts";
import { validate } from "./middleware/validate.ts";
import type { Audit } from "./observability/audit.ts";
import type { Logging } from "./observability/logging.ts";
import type { Tracing } from "./observability/tracing.ts";
import type { Link } from "./runtime/handler.ts";
import type { Schema } from "./runtime/schema.ts";

interface LinkParts extends LimitParts {
  readonly schema: Schema;
  readonly logging: Logging;
  readonly audit: Audit;
  readonly tracing: Tracing;
}

/** The links that configuration leaves on. */
export function createLinks(config: Config, off: ReadonlySet<string>, parts: LinkParts): Link[] {
  const { schema, logging, audit, metrics, tracing, verifiers } = parts;
  return chain(
    {
      ...limitLinks(config, parts),
      trace: [traceCalls(tracing)],
      metrics: [callMetrics(metrics)],
      log: [accessLog(logging)],
      deadline: [deadline({ maxDeadlineMs: config.MAX_DEADLINE_MS })],
      compression: [
        compress({ minBytes: config.COMPRESSION_MIN_BYTES, asyncFromBytes: config.COMPRESSION_ASYNC_BYTES }),
      ],
      auth: [auditRefusals(audit), authenticate(verifiers), authorize],
      cache: [
        cache({
          maxBytes: config.CACHE_MAX_BYTES,
          onLookup(method, outcome) {
            const counters = metrics.cacheOf(method);
            if (outcome === "miss") counters.misses += 1;
            else counters.hits += 1;
          },
        }),
      ],
      validation: off.has("validation") ? [] : [validate(schema)],
    },
    off,
  );
}
