// What is known of a call while its attempts are picked. grpc-js hands the object that the config selector made to every pick of the call:
// so a retry or a hedge knows where the call has been, and goes elsewhere.
import type { experimental, StatusObject } from "@grpc/grpc-js";
import { Code } from "#impl/runtime/status.ts";
import type { Outcome } from "./breaker.ts";
import type { Replica } from "./replica.ts";

export interface CallInfo {
  /** Of methods, that share a breaker. */
  readonly group: string;
  /** Whether its latency is the endpoint's: a stream lasts as long as it is read. */
  readonly unary: boolean;
  /** Whether further attempts are hedges. */
  readonly hedged: boolean;
  /** Where its attempts have begun. */
  readonly tried: Set<Replica>;
}

type PickInformation = experimental.PickArgs["extraPickInfo"];

// The two casts: grpc-js says that pick information is strings, and hands it on as it is.
export const toPickInformation = (call: CallInfo): PickInformation => call as unknown as PickInformation;
export const fromPickInformation = (info: PickInformation): CallInfo => info as unknown as CallInfo;

const FAULTS = new Set<number>([
  Code.UNKNOWN,
  Code.DEADLINE_EXCEEDED,
  Code.INTERNAL,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
]);
const NEUTRAL = new Set<number>([Code.CANCELLED, Code.RESOURCE_EXHAUSTED]);

/** What the end of an attempt says of its endpoint. An error that the caller has earned is an answer like any other. */
export function outcomeOf(code: StatusObject["code"]): Outcome {
  if (FAULTS.has(code)) return "failure";
  return NEUTRAL.has(code) ? "neutral" : "success";
}
