// Etags: the version of a row, in a form that nobody is tempted to count with. The same version always gives the same etag.
import { etagMismatch } from "#impl/runtime/rpc-error.ts";

const bits = 64;
// Odd, so that multiplication modulo 2^64 is one-to-one.
const factor = 0x9e3779b97f4a7c15n;

/** 13 characters. `version` is a positive int8 column that grows with every change. */
export function etagOf(version: bigint): string {
  return BigInt.asUintN(bits, version * factor)
    .toString(36)
    .padStart(13, "0");
}

// What multiplies with `factor` to 1 modulo 2^64.
const inverse = 0xf1de83e19937733dn;

/** The version of an etag that `etagOf` made. */
export function versionOf(etag: string): bigint {
  let digits = 0n;
  for (const digit of etag) digits = digits * 36n + BigInt(Number.parseInt(digit, 36));
  return BigInt.asUintN(bits, digits * inverse);
}

/** An empty etag agrees with every version. Anything else that is not the etag of `version` is ABORTED, malformed or not. */
export function requireEtag(etag: string, version: bigint, resourceType: string, resourceName: string): void {
  if (etag !== "" && etag !== etagOf(version)) throw etagMismatch(resourceType, resourceName);
}
