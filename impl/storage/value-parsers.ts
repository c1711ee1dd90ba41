// How PostgreSQL's values arrive in JavaScript, where node-postgres' default would lose something: int8 as
// bigint (a double has 53 bits), and types without a time zone as text (a Date would shift them into ours).
// timestamptz stays a Date, numeric text, jsonb the parsed value, bytea a Buffer.
import pg from "pg";

const { builtins } = pg.types;
const int8Array = 1016;

const asText = (value: string): string => value;

const ours = new Map<number, (value: string) => unknown>([
  [builtins.INT8, BigInt],
  [int8Array, bigints],
  [builtins.DATE, asText],
  [builtins.TIMESTAMP, asText],
]);

/** For the `types` option of a pool. */
export const valueParsers: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    (format === "binary" ? undefined : ours.get(oid)) ?? pg.types.getTypeParser(oid, format),
};

/** One dimension: "{1,NULL,3}". */
function bigints(array: string): (bigint | null)[] {
  const inner = array.slice(1, -1);
  if (inner === "") return [];
  return inner.split(",").map((value) => (value === "NULL" ? null : BigInt(value)));
}
