// Plants a value in every field that the contract marks as sensitive, sends it to the whole system by every method that takes it, and
// searches what leaves the process beside the answer: log lines, spans, audit lines, and the errors themselves.
import { readFileSync } from "node:fs";
import { fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, expect, test } from "vitest";
import { type ContractField, readContract } from "../proto/contract.ts";
import { permissionsOf } from "./auth/roles.ts";
import { signToken } from "./auth/sign-token.ts";
import { systemClock } from "./runtime/clock.ts";
import { newId } from "./runtime/ids.ts";
import { ecommerceSchema } from "./runtime/testing/test-server.ts";
import { callBytes, type Outcome } from "./testing/call-bytes.ts";
import { startSystemProcess } from "./testing/system-process.ts";

const contract = readContract(readFileSync(new URL("../proto/gen/image.binpb", import.meta.url)));
const { registry } = ecommerceSchema();
const MARK = "planted";
const CARD_NUMBER = "4111111111111111";
/** How many of the cases of a oneof are tried. */
const CASES = 5;
const DEPTH = 5;

const ID = newId();

const planted = new Set<string>();
const reached = new Set<string>();

/** A message as JSON with every field filled, marked ones with what is searched for; `turn` chooses among the cases of oneofs. */
function fill(type: string, turn: number, depth = 0): JsonValue | undefined {
  const wellKnown = WELL_KNOWN[type];
  if (wellKnown !== undefined) return wellKnown;
  const message = contract.messages.get(type);
  if (message === undefined || depth > DEPTH) return undefined;
  const chosen = new Map(
    message.oneofs.map(({ name }) => {
      const cases = message.fields.filter((field) => field.oneof === name);
      return [name, cases[turn % cases.length]?.name];
    }),
  );
  const fields = message.fields.filter(
    ({ oneof, name }) => oneof === undefined || chosen.get(oneof) === name,
  );
  const filled: Record<string, JsonValue> = {};
  for (const field of fields) {
    if (field.sensitivity !== 0) reached.add(`${type}.${field.name}`);
    const value = field.kind === "message" ? fill(field.type, turn, depth + 1) : scalar(field);
    if (value === undefined) continue;
    if (field.label === "repeated") filled[field.name] = [value];
    else filled[field.name] = field.label === "map" ? { [MARK]: value } : value;
  }
  return filled;
}

const WELL_KNOWN: Readonly<Record<string, JsonValue>> = {
  "google.protobuf.Timestamp": "2090-01-01T00:00:00Z",
  "google.protobuf.Duration": "60s",
  "google.protobuf.FieldMask": "",
  "google.type.Money": { currencyCode: "GBP", units: "1" },
};

function scalar({ name, type, kind, rules, sensitivity }: ContractField): JsonValue {
  if (kind === "enum") return 1;
  if (type === "bool") return true;
  if (type === "bytes") return Buffer.from(`${MARK}-bytes`).toString("base64");
  if (type !== "string") return 1;
  const text = JSON.stringify(rules);
  const value = sensitivity === 0 ? plain(text) : secret(name, text);
  if (sensitivity !== 0) planted.add(value);
  return value;
}

/** Of a field that may be logged, something that its rules allow. */
function plain(rules: string): string {
  if (rules.includes('"uuid"')) return ID;
  if (rules.includes("[A-Z]{2}")) return "GB";
  return "a.b";
}

function secret(name: string, rules: string): string {
  if (rules.includes('"email"')) return `${MARK}.${name}@example.com`;
  return name === "card_number" ? CARD_NUMBER : `${MARK}-${name}-of-someone`;
}

const system = await startSystemProcess();
const channel = new Client(system.address, credentials.createInsecure());
afterAll(() => channel.close());
const claims = {
  userId: newId(),
  roles: ["administrator"],
  permissions: permissionsOf(["administrator"]),
  lifetimeSeconds: 60,
};
const token = await signToken(system.signing, claims, systemClock);

/** The different requests of a type that carry something marked. */
function requestsOf(input: string): Uint8Array[] {
  const type = registry.getMessage(input);
  if (type === undefined) throw new Error(`there is no ${input}`);
  if (markedIn([input]).length === 0) return [];
  const filled = Array.from({ length: CASES }, (_, turn) => JSON.stringify(fill(input, turn) ?? {}));
  return [...new Set(filled)].map((json) => toBinary(type, fromJson(type, JSON.parse(json), { registry })));
}

async function sendEverywhere(): Promise<ReadonlyArray<readonly [call: string, outcome: Outcome]>> {
  const calls = contract.services.flatMap((service) =>
    service.methods.flatMap(({ name, kind, input }) => {
      const method = {
        path: `/${service.name}/${name}`,
        requestStream: kind === "client_streaming" || kind === "bidi_streaming",
        responseStream: kind === "server_streaming" || kind === "bidi_streaming",
      };
      return requestsOf(input).map(async (request, turn) => {
        const metadata = { authorization: `Bearer ${token}`, "x-trace": MARK };
        return [`${method.path} ${turn}`, await callBytes(channel, method, request, metadata)] as const;
      });
    }),
  );
  return Promise.all(calls);
}

test("no sensitive value of a request reaches a log line, a span, an audit line or an error", async () => {
  const outcomes = await sendEverywhere();
  const { log, audit, spans } = await system.stop();
  const secrets = [...planted, MARK, token.slice(-40)];
  const leaks = (text: string): string[] => secrets.filter((value) => text.includes(value));
  const errors = outcomes.flatMap(([call, { error }]) => {
    const status = JSON.stringify([error?.message, error?.details, error?.trailers.toJSON()], withBytes);
    return leaks(status).map((value) => `${call}: ${value}`);
  });
  expect(errors).toEqual([]);
  for (const [name, text] of Object.entries({ log, audit, spans })) expect(leaks(text), name).toEqual([]);
  // Nothing was kept out by telling nothing.
  for (const text of [log, spans]) expect(text).toContain("UserService/CreateUser");
  expect(audit).toContain("token_refreshed");
  // By the way: what a service asks of another it asks for who called it, which both ends know.
  expect(log).toContain(`"userId":"service:ecommerce","onBehalfOf":"${claims.userId}"`);
  expect(outcomes.filter(([, { code }]) => code === "OK").length).toBeGreaterThan(5);
});

test("every marked field of a request was planted", () => {
  const requests = contract.services.flatMap(({ methods }) => methods.map(({ input }) => input));
  expect(markedIn(requests).filter((field) => !reached.has(field))).toEqual([]);
});

/** The marked fields of the messages and what they are made of. */
function markedIn(types: readonly string[]): string[] {
  const seen = new Set<string>();
  const walk = (type: string): string[] => {
    if (seen.has(type)) return [];
    seen.add(type);
    return (contract.messages.get(type)?.fields ?? []).flatMap((field) => [
      ...(field.sensitivity === 0 ? [] : [`${type}.${field.name}`]),
      ...walk(field.type),
    ]);
  };
  return types.flatMap(walk);
}

/** bigint and bytes, which JSON does not know. */
function withBytes(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value;
}
