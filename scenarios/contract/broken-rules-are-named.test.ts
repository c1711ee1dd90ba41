// Claim: a request that breaks one rule of one field is INVALID_ARGUMENT with a BadRequest that names the field by a path that protobuf's
// own parser reads, whatever letters are in it, for every rule of every method.
import { parsePath, pathToString } from "@bufbuild/protobuf/reflect";
import { afterAll, expect, test } from "vitest";
import { type Breakage, breakagesOf, withBroken } from "#harness/contract/broken-fields.ts";
import { callMethod } from "#harness/contract/call-method.ts";
import { messageMaker } from "#harness/contract/valid-messages.ts";
import { Code } from "#proto/google/rpc/code.ts";
import { seed } from "../scenario-seed.ts";
import { sharedShop } from "../shared-shop.ts";

const { contract, known, token, connect } = sharedShop;
const maker = messageMaker(contract, known);
const connection = await connect();
afterAll(() => connection.close());

/** Whole messages to break: a few are enough for most fields, many for those in the last of many alternatives. */
const FEW = 12;
const MANY = 150;
/** A stream that is refused ends; how soon is not the claim. */
const PATIENCE_MS = 10_000;

const withRules = contract.methods.filter(({ input }) => breakagesOf(input, contract).length > 0);

test.each(withRules.map((method) => [method.path, method] as const))("%s", async (_, method) => {
  const { input } = method;
  const few = maker.valid(input, seed, FEW);
  const many = lazy(() => maker.valid(input, seed + FEW, MANY));
  const broken = (breakage: Breakage) => {
    const breaks = (base: object) => {
      const message = withBroken({ ...base }, breakage);
      return message !== undefined && maker.violations(input, message).includes(breakage.field)
        ? message
        : undefined;
    };
    return firstOf(few, breaks) ?? firstOf(many(), breaks);
  };
  const problems = await Promise.all(
    breakagesOf(input, contract).map(async (breakage) => {
      const what = `${breakage.field} against ${breakage.rule}`;
      const message = broken(breakage);
      if (message === undefined) return [`${what}: no message to break was made`];
      const { status, fields } = await callMethod(connection, {
        method,
        messages: [maker.encode(input, message)],
        metadata: [["authorization", `Bearer ${token}`]],
        patienceMs: PATIENCE_MS,
      });
      const named = fields.map((field) => pathToString(parsePath(input, field)));
      if (status === Code.INVALID_ARGUMENT && named.includes(breakage.field)) return [];
      return [`${what}: status ${status}, fields ${fields.join(", ")}`];
    }),
  );
  expect(problems.flat(), `SEED=${seed}`).toEqual([]);
});

function firstOf<T, R>(items: readonly T[], of: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = of(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
