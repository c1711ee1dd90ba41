import { Metadata } from "@grpc/grpc-js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createLogging } from "./logging.ts";
import { manualClock } from "./testing/manual-clock.ts";
import { memoryOutput } from "./testing/memory-output.ts";

function setUp(level = "debug") {
  const output = memoryOutput();
  return { output, logging: createLogging({ level, clock: manualClock(1_000), output }) };
}

test("a line is one JSON object with its level by name, its time and its message", () => {
  const { output, logging } = setUp();
  logging.log.child({ part: "storage" }).warn({ rows: 3n, at: new Date(0) }, "a message");
  expect(output.lines()).toEqual([
    {
      level: "warn",
      time: 1_000,
      part: "storage",
      rows: "3",
      at: "1970-01-01T00:00:00.000Z",
      msg: "a message",
    },
  ]);
});

test("an error is logged with its stable properties and its causes, and without values", () => {
  const { output, logging } = setUp();
  const database = Object.assign(new Error("duplicate key"), {
    code: "23505",
    constraint: "users_email_key",
    detail: "Key (email)=(alice@example.com) already exists.",
  });
  const error = new AggregateError([new Error("first")], "all failed", { cause: database });
  logging.log.error({ err: error }, "failed");
  const [line] = output.lines();
  expect(line?.err).toMatchObject({
    type: "AggregateError",
    message: "all failed",
    errors: [{ message: "first" }],
    cause: { message: "duplicate key", code: "23505", constraint: "users_email_key" },
  });
  expect(output.text).not.toContain("alice");
});

test("an error that is its own cause is logged", () => {
  const { output, logging } = setUp();
  const error = new Error("round and round");
  error.cause = error;
  logging.log.error({ err: error }, "failed");
  expect(output.lines()).toHaveLength(1);
});

test("secrets are left out by key, by shape, and with every object that is not plain", () => {
  const { output, logging } = setUp();
  const metadata = new Metadata();
  metadata.set("authorization", "Bearer planted-secret");
  const fields = {
    authorization: "planted-secret",
    nested: {
      refreshToken: "planted-secret",
      api_key: "planted-secret",
      list: [{ password: "planted-secret" }],
    },
    metadata,
    map: new Map([["authorization", "planted-secret"]]),
    text: "mail planted@example.com",
    number: 4111111111111111,
    bytes: Buffer.from("planted-secret"),
  };
  logging.log.info(fields, "hello");
  logging.log.child(fields).info({}, "hello");
  expect(output.text).not.toMatch(/planted|4111111111111111/);
  expect(output.lines()[0]).toMatchObject({ metadata: "[Metadata]", bytes: "[14 bytes]", number: "[card]" });
});

test("logging never throws and writes one valid line, whatever it is given", () => {
  const { output, logging } = setUp();
  fc.assert(
    fc.property(
      fc.object({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
      (fields) => {
        const before = output.text.length;
        logging.log.info(fields, "hello");
        const line = output.text.slice(before);
        expect(line.indexOf("\n")).toBe(line.length - 1);
        expect(JSON.parse(line)).toHaveProperty("level");
      },
    ),
  );
  const trap = {
    get broken() {
      throw new Error("a getter");
    },
  };
  logging.log.info(trap, "hello");
  expect(output.lines().at(-1)).toMatchObject({ unloggable: true });
});

test("what is below the level is not written, and an unknown level is refused", () => {
  const { output, logging } = setUp("warn");
  logging.log.info({}, "no");
  logging.log.warn({}, "yes");
  expect(output.lines()).toMatchObject([{ msg: "yes" }]);
  expect(() => setUp("loud")).toThrow('log level "loud": must be one of trace, debug');
});
