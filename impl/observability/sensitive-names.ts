// The fields that the contract marks by `(ecommerce.v1.sensitivity)`, by their names: what stands under one of them is not logged, of whichever
// message it is. A name that is marked in one message only is replaced in all; what is logged of others has another name.
import { type DescField, getOption, hasOption } from "@bufbuild/protobuf";
import type { Schema } from "#impl/runtime/schema.ts";

/** What is logged in place of the value, by the names of a field in the schema and in code. */
export type SensitiveNames = ReadonlyMap<string, string>;

const OPTION = "ecommerce.v1.sensitivity";
const REPLACEMENTS: ReadonlyMap<number, string> = new Map([
  [1, "[personal]"],
  [2, "[secret]"],
  [3, "[card]"],
]);

/** Throws when the schema does not define the option. */
export function sensitiveNames({ registry }: Pick<Schema, "registry">): SensitiveNames {
  const option = registry.getExtension(OPTION);
  if (option === undefined) throw new Error(`the schema does not define the option ${OPTION}`);
  const sensitivityOf = (field: DescField): number =>
    hasOption(field, option) ? Number(getOption(field, option)) : 0;
  const names = new Map<string, string>();
  for (const type of registry) {
    if (type.kind !== "message") continue;
    for (const field of type.fields) {
      const sensitivity = sensitivityOf(field);
      if (sensitivity === 0) continue;
      const replacement = REPLACEMENTS.get(sensitivity) ?? "[redacted]";
      for (const name of [field.name, field.localName, field.jsonName]) names.set(name, replacement);
    }
  }
  return names;
}
