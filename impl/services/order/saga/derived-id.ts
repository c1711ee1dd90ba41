// The request ids that a saga sends: the same for the same step of the same saga, whoever runs it and however often, so that a repeat
// after a crash is the same request and has no second effect.
import { v5 } from "uuid";

/** `what` names the effect within the saga, such as "authorize". A UUIDv5 in the saga's own namespace. */
export function derivedId(sagaId: string, what: string): string {
  return v5(what, sagaId);
}
