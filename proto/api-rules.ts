// The rules of buf.validate in words for the documentation: what is required, how long, how many, of which form.
import type { JsonValue } from "@bufbuild/protobuf";
import { type ContractField, isObject, type Rules } from "./contract.ts";
import { Sensitivity } from "./gen/ecommerce/v1/policy.ts";

const SENSITIVITY = {
  [Sensitivity.SENSITIVITY_UNSPECIFIED]: "",
  [Sensitivity.SENSITIVITY_PERSONAL]: "**personal**",
  [Sensitivity.SENSITIVITY_SECRET]: "**secret**",
  [Sensitivity.SENSITIVITY_CARD]: "**card data**",
};

/** The rules and the sensitivity of a field, "" when there are none. */
export function renderField(field: ContractField): string {
  const sensitivity = SENSITIVITY[field.sensitivity];
  return [...(sensitivity === "" ? [] : [sensitivity]), ...renderRules(field.rules)].join("; ");
}

/** Rules in words, one each. */
export function renderRules(rules: Rules): readonly string[] {
  return Object.entries(rules).flatMap(([name, value]) => renderRule(name, value));
}

function renderRule(name: string, value: JsonValue): readonly string[] {
  if (name === "cel") return celRules(value);
  if (name === "required") return value === true ? ["required"] : [];
  if (name === "ignore")
    return [value === "IGNORE_ALWAYS" ? "not checked by the server's validation" : "may be empty"];
  if (isObject(value)) return Object.entries(value).map(([rule, bound]) => renderBound(rule, bound));
  return [`${words(name)} ${text(value)}`];
}

function celRules(value: JsonValue): readonly string[] {
  return Array.isArray(value)
    ? value.flatMap((rule) => (isObject(rule) ? [`${String(rule.message)} (\`${String(rule.id)}\`)`] : []))
    : [];
}

function renderBound(rule: string, bound: JsonValue): string {
  if (rule === "items" || rule === "keys" || rule === "values") {
    return `${rule}: ${isObject(bound) ? renderRules(bound).join(", ") : ""}`;
  }
  return bound === true ? words(rule) : `${words(rule)} ${text(bound)}`;
}

function words(name: string): string {
  return name.replaceAll(/(?=[A-Z])/g, " ").toLowerCase();
}

function text(value: JsonValue): string {
  if (Array.isArray(value)) return value.map((item) => `\`${String(item)}\``).join(", ");
  return `\`${String(value)}\``;
}
