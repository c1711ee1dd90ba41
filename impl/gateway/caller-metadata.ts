// What a backend is told of a call beside its message: the caller's own credentials, which it verifies again, from where it
// calls, the trace, and what it can read. Not the gateway's credentials, which would let the caller do what the gateway may. Everything else stays at the gateway: this list is the whole of what passes.
import { TRACEPARENT } from "#impl/observability/names.ts";
import { traceparentFor } from "#impl/observability/traceparent.ts";
import { type Call, FORWARDED_PEER_KEY } from "#impl/runtime/call.ts";
import { ACCEPT_ENCODING_KEY } from "#impl/runtime/message.ts";
import { API_KEY, AUTHORIZATION, DELEGATION } from "#impl/runtime/principal.ts";
import type { MetadataEntry } from "#wire/metadata.ts";

const FORWARDED_KEYS = [AUTHORIZATION, API_KEY, DELEGATION] as const;

/** What HTTP/2 carries as it is; anything else cannot be credentials of ours. */
const PRINTABLE = /^[\x20-\x7e]*$/;

/** `acceptEncodings` is what the caller takes, for a backend that shall compress for it. */
export function metadataFor(call: Call, acceptEncodings: string | undefined): MetadataEntry[] {
  const entries: MetadataEntry[] = [];
  const add = (key: string, value: string | undefined): void => {
    if (value !== undefined && PRINTABLE.test(value)) entries.push([key, value]);
  };
  for (const key of FORWARDED_KEYS) add(key, call.metadata.get(key));
  // Never what the caller itself may have said.
  add(FORWARDED_PEER_KEY, call.peer);
  add(TRACEPARENT, traceparentFor(call));
  add(ACCEPT_ENCODING_KEY, acceptEncodings);
  return entries;
}
