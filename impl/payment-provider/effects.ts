// What can go wrong between a caller and the provider, so that the caller does not learn what happened.
import type { OperationKind } from "./operation.ts";

/** Each is suffered by the first request of a key alone; a repeat of it is answered as it should be. */
export const EFFECTS = {
  answer_lost: "it is done, and no answer comes",
  request_lost: "it is not done, and no answer comes",
  done_late:
    "no answer comes, and it is done a while later; until then a repeat is 409 and a look finds nothing",
  error_before: "500, and it is not done",
  error_after: "500, and it is done all the same",
} as const;

export type Effect = keyof typeof EFFECTS;

export const EFFECT_NAMES: readonly Effect[] = [
  "answer_lost",
  "request_lost",
  "done_late",
  "error_before",
  "error_after",
];

export type EffectsByKind = Readonly<Partial<Record<OperationKind, Effect>>>;
