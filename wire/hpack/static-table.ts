/** The 61 fixed header fields of RFC 7541, appendix A. Index 1 is the first; data only. */

export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

const ROWS = `:authority|
:method|GET
:method|POST
:path|/
:path|/index.html
:scheme|http
:scheme|https
:status|200
:status|204
:status|206
:status|304
:status|400
:status|404
:status|500
accept-charset|
accept-encoding|gzip, deflate
accept-language|
accept-ranges|
accept|
access-control-allow-origin|
age|
allow|
authorization|
cache-control|
content-disposition|
content-encoding|
content-language|
content-length|
content-location|
content-range|
content-type|
cookie|
date|
etag|
expect|
expires|
from|
host|
if-match|
if-modified-since|
if-none-match|
if-range|
if-unmodified-since|
last-modified|
link|
location|
max-forwards|
proxy-authenticate|
proxy-authorization|
range|
referer|
refresh|
retry-after|
server|
set-cookie|
strict-transport-security|
transfer-encoding|
user-agent|
vary|
via|
www-authenticate|`;

/** Position i holds the field with HPACK index i + 1. */
export const STATIC_TABLE: readonly HeaderField[] = Object.freeze(
  ROWS.split("\n").map((row) => {
    const bar = row.indexOf("|");
    return Object.freeze({ name: row.slice(0, bar), value: row.slice(bar + 1) });
  }),
);

const byName = new Map<string, number>();
const byField = new Map<string, number>();
for (const [position, field] of STATIC_TABLE.entries()) {
  if (!byName.has(field.name)) byName.set(field.name, position + 1);
  byField.set(`${field.name}\n${field.value}`, position + 1);
}

/** The lowest static index with this name, or 0. */
export function staticNameIndex(name: string): number {
  return byName.get(name) ?? 0;
}

/** The static index of exactly this field, or 0. */
export function staticFieldIndex(name: string, value: string): number {
  return byField.get(`${name}\n${value}`) ?? 0;
}
