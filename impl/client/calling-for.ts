// A client whose calls are made for somebody, where no call of his is at hand: he began something that goes on without him.
import type { OriginalCaller } from "#impl/runtime/principal.ts";
import type { CallOptions } from "./client.ts";

type Methods = Readonly<Record<string, (request: never, options?: CallOptions) => unknown>>;

/** The same methods. A call's own options win. */
export function callingFor<C extends object>(client: C & Methods, caller: OriginalCaller): C {
  const methods = Object.entries<Methods[string]>(client).map(([name, method]) => [
    name,
    (request: never, options?: CallOptions) => method(request, { onBehalfOf: caller, ...options }),
  ]);
  return Object.fromEntries(methods);
}
