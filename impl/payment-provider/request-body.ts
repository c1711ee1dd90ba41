// The JSON body of a request and its members. What is wrong is a BadRequest that names the member and the rule, never the value: it may be
// card data.
import type { IncomingMessage } from "node:http";
import { BadRequest } from "./reply.ts";

const MAX_BYTES = 64 * 1024;

export async function readBody(request: IncomingMessage): Promise<string> {
  let text = "";
  request.setEncoding("utf8");
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_BYTES) throw new BadRequest("the body", `is longer than ${MAX_BYTES} bytes`);
  }
  return text;
}

export type Members = Readonly<Record<string, unknown>>;

export function parseMembers(text: string): Members {
  try {
    const value: unknown = JSON.parse(text === "" ? "{}" : text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below, and without the parser's text, which quotes the body.
  }
  throw new BadRequest("the body", "must be a JSON object");
}

export function membersOf(members: Members, name: string): Members {
  const value = members[name];
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new BadRequest(name, "must be an object");
}

export function text(members: Members, name: string): string {
  const value = members[name];
  if (typeof value === "string" && value !== "") return value;
  throw new BadRequest(name, "must be a text");
}

export function integer(members: Members, name: string): number {
  const value = members[name];
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new BadRequest(name, "must be an integer");
}

export function flag(members: Members, name: string): boolean {
  const value = members[name];
  if (typeof value === "boolean" || value === undefined) return value === true;
  throw new BadRequest(name, "must be true or false");
}

/** Minor units, above 0. */
export function amount(members: Members, name: string): bigint {
  const value = members[name];
  if (typeof value === "string" && /^[1-9]\d{0,18}$/.test(value)) return BigInt(value);
  throw new BadRequest(name, "must be minor units in decimal digits, above 0");
}

export function currency(members: Members): string {
  const value = members.currency;
  if (typeof value === "string" && /^[A-Z]{3}$/.test(value)) return value;
  throw new BadRequest("currency", "must be three capital letters");
}
