// What must hold of every field: what comes from outside is bounded, and what is sensitive says so.
import { type Contract, type ContractField, isObject, type Rules } from "./contract.ts";
import { Sensitivity } from "./gen/ecommerce/v1/policy.ts";
import type { Report } from "./violation.ts";

/** Names of fields that hold personal data, secrets or card data, unless they are one of INNOCENT. */
const SENSITIVE =
  /password|secret|token|signature|cvc|card_number|expiry_(month|year)|holder_name|last_four|email|phone|recipient|address_lines|city|postal_code|region|(given|family|full)_name/;
/** Places in a stream or a list, which grant nothing. */
const INNOCENT = /^(page|next_page|resume|snapshot)_token$/;

/** Full names of all messages that a request can hold. */
export function requestMessages(contract: Contract): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const message = contract.messages.get(name);
    if (message === undefined || seen.has(name)) return;
    seen.add(name);
    for (const field of message.fields) if (field.kind === "message") visit(field.type);
  };
  for (const service of contract.services) for (const method of service.methods) visit(method.input);
  return seen;
}

/** Checks that the value of a request's field has an upper bound in length, and an enum only values that exist. */
export function checkBound(field: ContractField, report: Report): void {
  if (field.label === "repeated") checkRepeated(field, report);
  else if (field.label === "map") checkMap(field, report);
  else checkElement(field, field.rules, report);
}

/** Checks that a field whose name tells of sensitive data has a sensitivity. */
export function checkSensitivity(field: ContractField, report: Report): void {
  if (!SENSITIVE.test(field.name) || INNOCENT.test(field.name)) return;
  const carriesText = field.type === "string" || field.type === "bytes" || field.type === "int32";
  if (carriesText && field.sensitivity === Sensitivity.SENSITIVITY_UNSPECIFIED) {
    report(
      "sensitivity.missing",
      "its name tells of personal data, a secret or a card, but it has no sensitivity",
    );
  }
}

function checkRepeated(field: ContractField, report: Report): void {
  const repeated = rulesAt(field.rules, "repeated");
  if (repeated.maxItems === undefined) report("bound.items", "a repeated field of a request needs max_items");
  checkElement(field, rulesAt(repeated, "items"), report);
}

function checkMap(field: ContractField, report: Report): void {
  const map = rulesAt(field.rules, "map");
  if (map.maxPairs === undefined) report("bound.pairs", "a map of a request needs max_pairs");
  if (!isBoundText(rulesAt(map, "keys"), "string"))
    report("bound.keys", "the keys of a map need an upper bound in length");
  checkElement(field, rulesAt(map, "values"), report);
}

function checkElement(field: ContractField, rules: Rules, report: Report): void {
  if (field.type === "string" || field.type === "bytes") {
    if (!isBoundText(rules, field.type))
      report("bound.length", `a ${field.type} of a request needs an upper bound in length`);
  } else if (field.kind === "enum") {
    const { definedOnly, in: allowed } = rulesAt(rules, "enum");
    if (definedOnly !== true && allowed === undefined)
      report("bound.enum", "an enum of a request needs defined_only");
  } else if (field.type === "google.type.Money") {
    if (rules.cel === undefined)
      report("bound.money", "an amount in a request needs a rule on sign and currency");
  } else if (field.type === "google.protobuf.FieldMask") {
    if (rules.cel === undefined) report("bound.mask", "a mask in a request needs a bound on its paths");
  }
}

function isBoundText(rules: Rules, type: "string" | "bytes"): boolean {
  const text = rulesAt(rules, type);
  const bounds = ["const", "in", "len", "maxLen", "lenBytes", "maxBytes", "uuid"];
  if (bounds.some((bound) => text[bound] !== undefined)) return true;
  return typeof text.pattern === "string" && isBoundPattern(text.pattern);
}

/** Whether an anchored pattern repeats nothing without an upper bound. */
function isBoundPattern(pattern: string): boolean {
  const operators = pattern.replaceAll(/\\./g, "x").replaceAll(/\[[^\]]*\]/g, "x");
  return operators.startsWith("^") && operators.endsWith("$") && !/[*+]|\{\d+,\}/.test(operators);
}

function rulesAt(rules: Rules, name: string): Rules {
  const value = rules[name];
  return isObject(value) ? value : {};
}
