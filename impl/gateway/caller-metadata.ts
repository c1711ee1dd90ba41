// What a backend is told of a call beside its message: who calls, as the gateway has verified it and now vouches for, from where, the trace,
// and what the caller can read. The caller's credentials stay here, and so does everything else: this list is the whole of what passes.
import type { Vouch } from "#impl/auth/vouch.ts";
import { TRACEPARENT } from "#impl/observability/names.ts";
import { traceparentFor } from "#impl/observability/traceparent.ts";
import { type Call, FORWARDED_PEER_KEY } from "#impl/runtime/call.ts";
import { ACCEPT_ENCODING_KEY } from "#impl/runtime/message.ts";
import { API_KEY, AUTHORIZATION, DELEGATION } from "#impl/runtime/principal.ts";
import type { MetadataEntry } from "#wire/metadata.ts";

/** What HTTP/2 carries as it is; anything else cannot be credentials of ours. */
const PRINTABLE = /^[\x20-\x7e]*$/;

/** `acceptEncodings` is what the caller takes, for a backend that shall compress for it. */
export function metadataFor(call: Call, vouch: Vouch, acceptEncodings: string | undefined): MetadataEntry[] {
  const { principal, metadata } = call;
  const entries: MetadataEntry[] = [];
  const add = (key: string, value: string | undefined): void => {
    if (value !== undefined && PRINTABLE.test(value)) entries.push([key, value]);
  };
  if (principal !== undefined) {
    add(AUTHORIZATION, `Bearer ${vouch(principal)}`);
  } else {
    // Anonymous, or of a gateway that verifies nothing: then whatever there is to verify is for the backend.
    add(AUTHORIZATION, metadata.get(AUTHORIZATION));
    add(API_KEY, metadata.get(API_KEY));
  }
  // Of a service that calls through here; it names that service, as the token does.
  add(DELEGATION, metadata.get(DELEGATION));
  // Never what the caller itself may have said.
  add(FORWARDED_PEER_KEY, call.peer);
  add(TRACEPARENT, traceparentFor(call));
  add(ACCEPT_ENCODING_KEY, acceptEncodings);
  return entries;
}
