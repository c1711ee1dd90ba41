// The API documentation as text: a page per service, one for what services share, an index. The same contract gives the same
// bytes. Reads no file and writes none.

import { renderField, renderRules } from "./api-rules.ts";
import type { Contract, ContractEnum, ContractMessage, ContractMethod, ContractService } from "./contract.ts";
import {
  CacheScope,
  Compression,
  Idempotency,
  type MethodPolicy,
  RateClass,
} from "./gen/ecommerce/v1/policy.ts";
import type { Duration } from "./gen/google/protobuf/duration.ts";
import { Code } from "./gen/google/rpc/code.ts";

const SHARED = "shared";

/** The pages by file name. */
export function apiPages(contract: Contract): ReadonlyMap<string, string> {
  const pages = new Map<string, string>();
  pages.set("README.md", indexPage(contract));
  for (const service of contract.services) {
    pages.set(`${pageOf(contract, service.file)}.md`, servicePage(contract, service));
  }
  pages.set(`${SHARED}.md`, ["# Shared types", "", ...typesOf(contract, SHARED)].join("\n"));
  return pages;
}

/** The page that documents a file: the one of the service whose file begins with the same word, else the shared one. */
function pageOf(contract: Contract, file: string): string {
  const stem = (path: string): string => path.replace(/^.*\//, "").replace(/(_.*)?\.proto$/, "");
  const service = contract.services.find((candidate) => stem(candidate.file) === stem(file));
  return service === undefined ? SHARED : kebab(shortName(service.name));
}

function indexPage(contract: Contract): string {
  const rows = contract.services.map(
    (service) =>
      `| [${shortName(service.name)}](${pageOf(contract, service.file)}.md) | ${service.methods.length} | ${inCell(firstSentence(service.comment))} |`,
  );
  return [
    "# API",
    "",
    "Generated from `proto/ecommerce/v1` by `node proto/api-docs.ts`. Do not edit.",
    "",
    "Any call can end with CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE, RESOURCE_EXHAUSTED, INTERNAL, INVALID_ARGUMENT,",
    "UNAUTHENTICATED and PERMISSION_DENIED; the pages list the other codes. Errors are `google.rpc.Status` with an `ErrorInfo`.",
    "",
    "| service | methods | |",
    "| --- | ---: | --- |",
    ...rows,
    "",
    `Types that several services use: [shared types](${SHARED}.md).`,
    "",
  ].join("\n");
}

function servicePage(contract: Contract, service: ContractService): string {
  const page = pageOf(contract, service.file);
  return [
    `# ${shortName(service.name)}`,
    "",
    `\`${service.name}\`, declared in \`${service.file}\`.`,
    "",
    service.comment,
    "",
    "| rpc | kind | access | idempotency | deadline | cache | rate | compression | errors |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...service.methods.map(methodRow),
    "",
    "## Methods",
    "",
    ...service.methods.flatMap((method) => methodSection(contract, page, method)),
    ...typesOf(contract, page),
  ].join("\n");
}

function methodRow(method: ContractMethod): string {
  const { policy } = method;
  const link = `[${method.name}](#${method.name.toLowerCase()})`;
  if (policy === undefined) return `| ${link} | | | | | | | | |`;
  const cells = [
    link,
    method.kind.replace("_", " "),
    access(policy),
    lowerName(Idempotency, policy.idempotency, "IDEMPOTENCY_"),
    duration(policy.deadline),
    cache(policy),
    lowerName(RateClass, policy.rate, "RATE_CLASS_"),
    lowerName(Compression, policy.compression, "COMPRESSION_"),
    policy.errors.map((code) => nameIn(Code, code)).join(", "),
  ];
  return `| ${cells.join(" | ")} |`;
}

function methodSection(contract: Contract, page: string, method: ContractMethod): string[] {
  const type = (name: string, stream: boolean): string =>
    `${stream ? "stream of " : ""}${link(contract, page, name)}`;
  const invalidates = (method.policy?.invalidates ?? []).map((tag) => `\`${tag}\``).join(", ");
  return [
    `### ${method.name}`,
    "",
    method.comment,
    "",
    `- request: ${type(method.input, method.kind === "client_streaming" || method.kind === "bidi_streaming")}`,
    `- response: ${type(method.output, method.kind === "server_streaming" || method.kind === "bidi_streaming")}`,
    ...method.routes.map(
      ({ verb, path, body }) => `- HTTP: \`${verb} ${path}\`${body === "" ? "" : `, body \`${body}\``}`,
    ),
    ...(invalidates === "" ? [] : [`- makes stale: ${invalidates}`]),
    "",
  ];
}

function typesOf(contract: Contract, page: string): string[] {
  const here = ({ file }: { readonly file: string }): boolean => pageOf(contract, file) === page;
  const messages = [...contract.messages.values()].filter(here);
  const enums = [...contract.enums.values()].filter(here);
  return [
    ...(messages.length === 0
      ? []
      : ["## Messages", "", ...messages.flatMap((message) => messageSection(contract, page, message))]),
    ...(enums.length === 0 ? [] : ["## Enums", "", ...enums.flatMap(enumSection)]),
  ];
}

function messageSection(contract: Contract, page: string, message: ContractMessage): string[] {
  const rows = message.fields.map((field) => {
    const type = `${field.label === "repeated" ? "repeated " : field.label === "map" ? "map of string to " : field.label === "optional" ? "optional " : ""}${link(contract, page, field.type)}`;
    const oneof =
      field.oneof === undefined || field.oneof.startsWith("_") ? "" : `one of \`${field.oneof}\`. `;
    return `| \`${field.name}\` | ${field.number} | ${type} | ${inCell(oneof + field.comment)} | ${inCell(renderField(field))} |`;
  });
  return [
    `### ${shortName(message.name)}`,
    "",
    message.comment,
    "",
    ...renderRules(message.rules).map((rule) => `- ${rule}`),
    ...(Object.keys(message.rules).length === 0 ? [] : [""]),
    ...(rows.length === 0
      ? ["No fields."]
      : ["| field | no. | type | | rules |", "| --- | ---: | --- | --- | --- |", ...rows]),
    "",
  ];
}

function enumSection(type: ContractEnum): string[] {
  return [
    `### ${shortName(type.name)}`,
    "",
    type.comment,
    "",
    "| value | no. | |",
    "| --- | ---: | --- |",
    ...type.values.map(({ name, number, comment }) => `| \`${name}\` | ${number} | ${inCell(comment)} |`),
    "",
  ];
}

function access({ access }: MethodPolicy): string {
  if (access?.public === true) return "public";
  if (access?.authenticated === true) return "authenticated";
  const permissions = (access?.permissions ?? []).map((permission) => `\`${permission}\``).join(", ");
  const owner = access?.owner;
  if (owner === undefined) return permissions;
  return `${permissions} or owner (${owner.resource ? "of the resource" : `\`${owner.requestField}\``})`;
}

function cache({ cache }: MethodPolicy): string {
  if (cache === undefined) return "";
  const tags = cache.tags.map((tag) => ` \`${tag}\``).join(",");
  return `${duration(cache.ttl)} ${lowerName(CacheScope, cache.scope, "CACHE_SCOPE_")}${tags}`;
}

function duration(value: Duration | undefined): string {
  const seconds = Number(value?.seconds ?? 0n);
  if (seconds % 3600 === 0 && seconds > 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 && seconds > 0 ? `${seconds / 60} min` : `${seconds} s`;
}

function nameIn(values: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(values).find(([, number]) => number === value)?.[0] ?? `${value}`;
}

function lowerName(values: Readonly<Record<string, number>>, value: number, prefix: string): string {
  return nameIn(values, value).replace(prefix, "").toLowerCase().replaceAll("_", " ");
}

/** A type, as a link to where it is documented when it is one of ours. */
function link(contract: Contract, page: string, type: string): string {
  const file = contract.messages.get(type)?.file ?? contract.enums.get(type)?.file;
  if (file === undefined) return `\`${type}\``;
  const target = pageOf(contract, file);
  return `[${shortName(type)}](${target === page ? "" : `${target}.md`}#${shortName(type).toLowerCase()})`;
}

function shortName(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

function kebab(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
}

function firstSentence(text: string): string {
  return text.replaceAll("\n", " ").replace(/(?<=[.:]) .*$/, "");
}

/** Text in a cell of a table: on one line, no bar. */
function inCell(text: string): string {
  return text.replaceAll("\n", " ").replaceAll("|", "\\|");
}
