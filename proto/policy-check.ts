// Checks the contract against its own rules: policies, comments, bounds, sensitivities.
// Usage: node proto/policy-check.ts [image]. Prints a line per violation (file:element: rule: what is wrong) and exits 1.
import { readFileSync } from "node:fs";
import { type Contract, readContract } from "./contract.ts";
import { checkBound, checkSensitivity, requestMessages } from "./field-rules.ts";
import { checkMethod, checkTags } from "./method-rules.ts";
import { buildSourceImage } from "./source-image.ts";
import type { Report, Violation } from "./violation.ts";

/** Everything that is wrong with a contract, in the order of its files. Empty means that it is in order. */
export function checkContract(contract: Contract): readonly Violation[] {
  const violations: Violation[] = [];
  const at =
    (file: string, element: string): Report =>
    (rule, message) => {
      violations.push({ where: `${file}:${element.replace(/^ecommerce\.v1\./, "")}`, rule, message });
    };
  const files = new Map(contract.services.map((service) => [service.name, service.file]));
  for (const service of contract.services) {
    for (const method of service.methods) {
      checkMethod(contract, method, at(service.file, `${service.name}.${method.name}`));
    }
  }
  checkTags(contract, (method) => at(files.get(method.slice(0, method.lastIndexOf("."))) ?? "", method));
  checkFields(contract, at);
  checkComments(contract, at);
  return violations.toSorted((a, b) => a.where.localeCompare(b.where) || a.rule.localeCompare(b.rule));
}

function checkFields(contract: Contract, at: (file: string, element: string) => Report): void {
  const requested = requestMessages(contract);
  for (const message of contract.messages.values()) {
    for (const field of message.fields) {
      const report = at(message.file, `${message.name}.${field.name}`);
      checkSensitivity(field, report);
      if (requested.has(message.name)) checkBound(field, report);
    }
  }
}

function checkComments(contract: Contract, at: (file: string, element: string) => Report): void {
  const check = (file: string, element: string, { comment }: { readonly comment: string }): void => {
    if (comment === "") at(file, element)("comment.missing", "has no comment");
  };
  for (const service of contract.services) {
    check(service.file, service.name, service);
    for (const method of service.methods) check(service.file, `${service.name}.${method.name}`, method);
  }
  for (const message of contract.messages.values()) {
    check(message.file, message.name, message);
    for (const oneof of message.oneofs) {
      if (!oneof.name.startsWith("_")) check(message.file, `${message.name}.${oneof.name}`, oneof);
    }
    for (const field of message.fields) check(message.file, `${message.name}.${field.name}`, field);
  }
  for (const type of contract.enums.values()) {
    check(type.file, type.name, type);
    for (const value of type.values) check(type.file, `${type.name}.${value.name}`, value);
  }
}

if (import.meta.main) {
  const [path] = process.argv.slice(2);
  const contract = readContract(path === undefined ? buildSourceImage() : readFileSync(path));
  const violations = checkContract(contract);
  for (const { where, rule, message } of violations) process.stdout.write(`${where}: ${rule}: ${message}\n`);
  const methods = contract.services.reduce((sum, service) => sum + service.methods.length, 0);
  process.stdout.write(
    `${methods} methods, ${contract.messages.size} messages: ${violations.length} violations\n`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}
