// Claim: whatever valid message a method is sent, it answers with a status that its contract names, and never with INTERNAL or UNKNOWN.
import { afterAll, expect, test } from "vitest";
import { callMethod } from "#harness/contract/call-method.ts";
import type { ContractMethod } from "#harness/contract/contract.ts";
import { messageMaker } from "#harness/contract/valid-messages.ts";
import { Code } from "#proto/google/rpc/code.ts";
import { effort, seed } from "../scenario-seed.ts";
import { sharedShop } from "../shared-shop.ts";

const { contract, known, token, connect } = sharedShop;
const maker = messageMaker(contract, known);
const connection = await connect();
afterAll(() => connection.close());

/** What any call may end with. Of these INTERNAL is a defect all the same: nothing failed here. */
const ALWAYS = [
  "OK",
  "CANCELLED",
  "DEADLINE_EXCEEDED",
  "UNAVAILABLE",
  "RESOURCE_EXHAUSTED",
  "INVALID_ARGUMENT",
] as const;
const CALLS = 6 * effort;
/** Messages of one request stream. */
const STREAMED = 3;

function allowed({ policy }: ContractMethod): Set<string> {
  return new Set([...ALWAYS, "PERMISSION_DENIED", "UNAUTHENTICATED", ...(policy.errors ?? [])]);
}

test.each(contract.methods.map((method) => [method.path, method] as const))("%s", async (_, method) => {
  const streams = method.kind === "client_streaming" || method.kind === "bidi_streaming";
  const messages = maker.valid(method.input, seed, CALLS * (streams ? STREAMED : 1));
  expect(messages.length, `no valid ${method.input.typeName} was made with SEED=${seed}`).toBeGreaterThan(0);
  const calls = streams ? chunks(messages, STREAMED) : messages.map((message) => [message]);
  const outcomes = await Promise.all(
    calls.map(async (call) => {
      const outcome = await callMethod(connection, {
        method,
        messages: call.map((json) => maker.encode(method.input, json)),
        metadata: [["authorization", `Bearer ${token}`]],
      });
      return { ...outcome, call };
    }),
  );
  const may = allowed(method);
  const wrong = outcomes
    .filter(({ status }) => status !== undefined && !may.has(codeName(status)))
    .map(({ status, message, call }) => `${codeName(status ?? 0)}: ${message} for ${JSON.stringify(call)}`);
  expect(wrong, `SEED=${seed}`).toEqual([]);
});

function codeName(status: number): string {
  return Object.entries(Code).find(([, code]) => code === status)?.[0] ?? String(status);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
