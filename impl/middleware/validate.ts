// Checks every request message against the rules in the schema (buf.validate) before its handler sees it. A broken rule is
// INVALID_ARGUMENT with a BadRequest that names each field and rule.
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Validator, type Violation } from "@bufbuild/protovalidate";
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { type Link, singleInput, streamInput } from "#impl/runtime/handler.ts";
import { parseRequest, requestMessage } from "#impl/runtime/request-fields.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import type { Schema } from "#impl/runtime/schema.ts";

/** Compiles the rules of every request of the schema now: the first use of a type costs up to 100 ms, which no caller should wait. */
export function validate(schema: Schema): Link {
  const validator = createValidator({ registry: schema.registry });
  for (const method of schema.methods.values()) validator.validate(method.input, create(method.input));
  return (method, next) => {
    const desc = method.input;
    if (method.requestStream) {
      return (call, input) => next(call, checkAll(validator, desc, streamInput(input)));
    }
    return (call, input) => {
      check(validator, desc, requestMessage(call, singleInput(input)));
      return next(call, input);
    };
  };
}

async function* checkAll(
  validator: Validator,
  desc: DescMessage,
  messages: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for await (const bytes of messages) {
    check(validator, desc, parseRequest(desc, bytes));
    yield bytes;
  }
}

function check(validator: Validator, desc: DescMessage, message: Message): void {
  const result = validator.validate(desc, message);
  if (result.kind === "valid") return;
  if (result.kind === "invalid") throw invalidArgument(result.violations.map(toFieldViolation));
  throw result.error;
}

/** As it goes into a BadRequest: the field's path, and the rule's id as the reason. */
export function toFieldViolation(violation: Violation): FieldViolation {
  return {
    field: pathToString(violation.field),
    description: violation.message,
    reason: violation.ruleId,
  };
}
