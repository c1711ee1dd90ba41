import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  DescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MessageOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { readSchema, type Schema } from "#impl/runtime/schema.ts";
import { testSchema } from "#impl/runtime/testing/echo-service.ts";
import { ecommerceSchema } from "#impl/runtime/testing/test-server.ts";
import { createRedact } from "./redact.ts";

const SENSITIVITY = 50002;
const { STRING, INT64, BYTES, MESSAGE, ENUM } = FieldDescriptorProto_Type;
const { REPEATED, OPTIONAL } = FieldDescriptorProto_Label;

interface Field {
  readonly type?: FieldDescriptorProto_Type;
  readonly typeName?: string;
  readonly repeated?: boolean;
  readonly oneof?: boolean;
  readonly sensitivity?: number;
}

function message(name: string, fields: Readonly<Record<string, Field>>, mapEntry = false) {
  return create(DescriptorProtoSchema, {
    name,
    oneofDecl: Object.values(fields).some((field) => field.oneof) ? [{ name: "choice" }] : [],
    ...(mapEntry ? { options: create(MessageOptionsSchema, { mapEntry: true }) } : {}),
    field: Object.entries(fields).map(([fieldName, field], i) =>
      create(FieldDescriptorProtoSchema, {
        name: fieldName,
        number: i + 1,
        type: field.type ?? STRING,
        label: field.repeated ? REPEATED : OPTIONAL,
        ...(field.typeName === undefined ? {} : { typeName: field.typeName }),
        ...(field.oneof ? { oneofIndex: 0 } : {}),
        ...(field.sensitivity === undefined ? {} : { options: sensitive(field.sensitivity) }),
      }),
    ),
  });
}

function sensitive(value: number) {
  const options = create(FieldOptionsSchema, {});
  options.$unknown = [{ no: SENSITIVITY, wireType: 0, data: new BinaryWriter().uint32(value).finish() }];
  return options;
}

function schemaWith(): Schema {
  const base = testSchema({ unary: {} });
  const person = message("Person", {
    id: {},
    name: { sensitivity: 1 },
    password: { sensitivity: 2 },
    card: { type: BYTES, sensitivity: 3 },
    odd: { sensitivity: 9 },
    children: { type: MESSAGE, typeName: ".testing.v1.Person", repeated: true },
    by_key: { type: MESSAGE, typeName: ".testing.v1.Person.ByKeyEntry", repeated: true },
    chosen_text: { oneof: true, sensitivity: 1 },
    chosen_person: { type: MESSAGE, typeName: ".testing.v1.Person", oneof: true },
    home: { type: MESSAGE, typeName: ".testing.v1.Person", sensitivity: 1 },
    tags: { repeated: true },
    secrets: { repeated: true, sensitivity: 2 },
    count: { type: INT64 },
    picture: { type: BYTES },
    kind: { type: ENUM, typeName: ".ecommerce.v1.Sensitivity" },
  });
  person.nestedType.push(
    message("ByKeyEntry", { key: {}, value: { type: MESSAGE, typeName: ".testing.v1.Person" } }, true),
  );
  const file = create(FileDescriptorProtoSchema, {
    name: "testing/v1/person.proto",
    package: "testing.v1",
    syntax: "proto3",
    dependency: ["ecommerce/v1/policy.proto"],
    messageType: [person],
  });
  return readSchema(
    toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [...base.files.file, file] })),
  );
}

const schema = schemaWith();
const redact = createRedact(schema);

function person() {
  const desc = schema.registry.getMessage("testing.v1.Person");
  if (desc === undefined) throw new Error("no message Person");
  return desc;
}

const filled = {
  id: "p1",
  name: "PLANTED",
  password: "PLANTED",
  card: Buffer.from("PLANTED"),
  odd: "PLANTED",
  secrets: ["PLANTED", "PLANTED"],
};

function planted(): Uint8Array {
  const desc = person();
  const one = () => create(desc, filled);
  return toBinary(
    desc,
    create(desc, {
      ...filled,
      children: [one(), one()],
      byKey: { a: one() },
      choice: { case: "chosenPerson", value: one() },
      home: one(),
      tags: ["red", "mail me: PLANTED@example.com"],
      count: 12n,
      picture: new Uint8Array(5),
      kind: 1,
    }),
  );
}

test("marked fields are replaced by their kind, in messages, lists, maps and oneofs", () => {
  const inner = {
    id: "p1",
    name: "[personal]",
    password: "[secret]",
    card: "[card]",
    odd: "[redacted]",
    secrets: "[secret]",
  };
  const shown = redact(person(), planted());
  expect(shown).toEqual({
    ...inner,
    children: [inner, inner],
    by_key: { a: inner },
    chosen_person: inner,
    home: "[personal]",
    tags: ["red", "mail me: [email]"],
    count: "12",
    picture: "[5 bytes]",
    kind: "SENSITIVITY_PERSONAL",
  });
  expect(JSON.stringify(shown)).not.toContain("PLANTED");
});

test("a marked field of a oneof is replaced, and fields that are not set are not shown", () => {
  const desc = person();
  const value = create(desc, { choice: { case: "chosenText", value: "PLANTED" } });
  expect(redact(desc, value)).toEqual({ chosen_text: "[personal]" });
});

test("fields that the schema does not know are not shown", () => {
  const unknown = new BinaryWriter()
    .uint32((999 << 3) | 2)
    .string("PLANTED")
    .finish();
  expect(redact(person(), unknown)).toEqual({});
});

test("a user of the shop is shown without what identifies him", () => {
  const shop = ecommerceSchema();
  const user = shop.registry.getMessage("ecommerce.v1.User");
  if (user === undefined) throw new Error("no message User");
  const shown = createRedact(shop)(user, create(user, { email: "alice@example.com" }));
  expect(shown).toEqual({ email: "[personal]" });
});
