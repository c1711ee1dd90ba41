// Every service forgets the request ids that are past their retention.
import { repeat } from "../runtime/repeat.ts";
import type { PartContext, Stoppable } from "./part.ts";

const PURGE_EVERY_MS = 3_600_000;

export function purgeOf(
  store: { purgeRequestIds(signal?: AbortSignal): Promise<number> },
  { clock, log }: Pick<PartContext, "clock" | "log">,
): Stoppable {
  return repeat("purge request ids", PURGE_EVERY_MS, store.purgeRequestIds, { clock, log });
}
