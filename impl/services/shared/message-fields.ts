// How the fields of a message look as properties of the plain objects that the generated code makes: their empty values,
// when they count as populated, and which have parts of their own. Knows descriptors and no message in particular.
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

const noItems: readonly never[] = Object.freeze([]);
const noEntries: Readonly<Record<string, never>> = Object.freeze({});
const noBytes = new Uint8Array(0);

const empties = new WeakMap<DescMessage, Readonly<Record<string, unknown>>>();

/** Every property with its empty value, in the order of declaration. Shared, hence frozen: spread it. */
export function emptyMessage(type: DescMessage): Readonly<Record<string, unknown>> {
  const known = empties.get(type);
  if (known !== undefined) return known;
  const made = Object.freeze(
    Object.fromEntries(type.fields.map((field) => [field.localName, emptyValue(field)])),
  );
  empties.set(type, made);
  return made;
}

function emptyValue(field: DescField): unknown {
  if (field.fieldKind === "list") return noItems;
  if (field.fieldKind === "map") return noEntries;
  if (field.fieldKind === "message" || field.presence === FeatureSet_FieldPresence.EXPLICIT) return undefined;
  if (field.fieldKind === "enum") return 0;
  return emptyScalar(field.scalar);
}

function emptyScalar(type: ScalarType): unknown {
  switch (type) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BYTES:
      return noBytes;
    case ScalarType.BOOL:
      return false;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 0n;
    default:
      return 0;
  }
}

/** Whether the value is another than the empty one. A message is populated when it is there. */
export function isPopulated(field: DescField, value: unknown): boolean {
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length > 0;
  if (field.fieldKind === "map") return Object.keys(Object(value)).length > 0;
  return value !== emptyValue(field);
}

/** The message type whose fields can be named and changed one by one. */
export function partsOf(field: DescField): DescMessage | undefined {
  if (field.fieldKind !== "message" || field.message.typeName.startsWith("google.")) return undefined;
  return field.message;
}

/** Whether the type or a type of its parts has one. */
export function hasOneof(type: DescMessage, seen = new Set<DescMessage>()): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  return type.fields.some((field) => {
    const parts = partsOf(field);
    return field.oneof !== undefined || (parts !== undefined && hasOneof(parts, seen));
  });
}
