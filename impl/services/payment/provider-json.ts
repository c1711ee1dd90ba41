// The provider's JSON as what the port calls it. Total over any text: what cannot be read is a MalformedAnswer, and never half an outcome.

import type { Card } from "./payment.ts";
import type { Outcome } from "./provider-port.ts";

/** The provider said something that is not in its API. Quotes nothing of it. */
export class MalformedAnswer extends Error {
  constructor(what: string) {
    super(`the payment provider's answer has no valid ${what}`);
    this.name = "MalformedAnswer";
  }
}

export type Json = Readonly<Record<string, unknown>>;

export function parseJson(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MalformedAnswer("JSON");
  }
  return objectOf(value, "JSON object");
}

export function member(json: Json, name: string): Json {
  return objectOf(json[name], name);
}

export function text(json: Json, name: string): string {
  const value = json[name];
  if (typeof value === "string" && value !== "") return value;
  throw new MalformedAnswer(name);
}

/** The outcome of an operation as the provider tells it, in an answer or an event. */
export function outcomeOf(operation: Json): Outcome {
  const reference = text(operation, "id");
  switch (operation.status) {
    case "succeeded": {
      if (operation.kind !== "authorize") return { kind: "succeeded", reference };
      const authorization = { card: cardOf(operation), expireTime: timeOf(operation, "expires_at") };
      return { kind: "succeeded", reference, authorization };
    }
    case "declined":
      return { kind: "declined", reference, declineCode: text(operation, "decline_code") };
    case "failed":
      return { kind: "failed", reference, failureCode: text(operation, "failure_code") };
    default:
      throw new MalformedAnswer("status");
  }
}

export function cardOf(json: Json): Card {
  const card = member(json, "card");
  return {
    brand: text(card, "brand"),
    lastFour: text(card, "last4"),
    expiryMonth: integer(card, "exp_month"),
    expiryYear: integer(card, "exp_year"),
  };
}

export function timeOf(json: Json, name: string): Date {
  const time = new Date(integer(json, name));
  if (Number.isNaN(time.getTime())) throw new MalformedAnswer(name);
  return time;
}

function integer(json: Json, name: string): number {
  const value = json[name];
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new MalformedAnswer(name);
}

function objectOf(value: unknown, what: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new MalformedAnswer(what);
}
