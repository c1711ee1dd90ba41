// Messages that meet every rule of their type: arbitrary ones, of which the schema's own validator keeps the valid.

import { type DescMessage, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import type { Contract } from "./contract.ts";
import { type Json, messageArbitrary, type ValueOptions } from "./message-values.ts";

export interface MessageMaker {
  /** Up to `count` valid messages; the same for the same seed. */
  valid(message: DescMessage, seed: number, count: number): Json[];
  encode(message: DescMessage, json: object): Uint8Array;
  /** Paths of the fields whose rules the message breaks. */
  violations(message: DescMessage, json: object): string[];
}

/** Candidates are made this many at a time, and no more batches than this: a type of which none is valid needs a better arbitrary. */
const BATCH = 20;
const MOST_BATCHES = 40;

export function messageMaker(contract: Contract, known: ValueOptions["known"] = {}): MessageMaker {
  const { registry } = contract;
  const validator: Validator = createValidator({ registry });
  const parse = (message: DescMessage, json: object) => fromJson(message, json as JsonValue, { registry });
  const isValid = (message: DescMessage, json: object): boolean =>
    validator.validate(message, parse(message, json)).kind === "valid";
  return {
    valid(message, seed, count) {
      const found: Json[] = [];
      const arbitrary = messageArbitrary(message, { contract, known });
      for (let batch = 0; batch < MOST_BATCHES && found.length < count; batch++) {
        const candidates = fc.sample(arbitrary, { seed: seed + batch, numRuns: BATCH });
        found.push(...candidates.filter((json) => isValid(message, json)));
      }
      return found.slice(0, count);
    },
    encode: (message, json) => toBinary(message, parse(message, json)),
    violations(message, json) {
      const result = validator.validate(message, parse(message, json));
      if (result.kind !== "invalid") return [];
      return result.violations.map(({ field }) => pathToString(field));
    },
  };
}
