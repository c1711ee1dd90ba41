// What must hold of every method's policy: that it is complete, does not contradict itself, and names things that exist.
import type { Contract, ContractField, ContractMethod } from "./contract.ts";
import {
  CacheScope,
  Compression,
  Idempotency,
  type MethodPolicy,
  RateClass,
  Sensitivity,
} from "./gen/ecommerce/v1/policy.ts";
import type { Duration } from "./gen/google/protobuf/duration.ts";
import { Code } from "./gen/google/rpc/code.ts";
import type { Report } from "./violation.ts";

const ALWAYS_POSSIBLE: readonly Code[] = [
  Code.OK,
  Code.CANCELLED,
  Code.DEADLINE_EXCEEDED,
  Code.UNAVAILABLE,
  Code.RESOURCE_EXHAUSTED,
  Code.INTERNAL,
  Code.INVALID_ARGUMENT,
  Code.UNAUTHENTICATED,
  Code.PERMISSION_DENIED,
];
const MAX_DEADLINE_SECONDS = {
  unary: 60,
  client_streaming: 3600,
  server_streaming: 86400,
  bidi_streaming: 86400,
};
const MAX_TTL_SECONDS = 3600;

/** Checks one method. */
export function checkMethod(contract: Contract, method: ContractMethod, report: Report): void {
  checkRoutes(contract, method, report);
  const policy = method.policy;
  if (policy === undefined) {
    report("policy.missing", "has no policy option");
    return;
  }
  checkAccess(contract, method, policy, report);
  checkClasses(policy, report);
  checkDeadline(method, policy, report);
  checkRequestId(contract, method, policy, report);
  checkCache(contract, method, policy, report);
  checkSecrets(contract, method, policy, report);
  checkErrors(contract, method, policy, report);
  checkPaging(contract, method, report);
  checkResuming(contract, method, report);
}

/** Checks that what is cached is made stale by some write, and that what a write makes stale is cached somewhere. */
export function checkTags(contract: Contract, report: (method: string) => Report): void {
  const methods = contract.services.flatMap((service) =>
    service.methods.map((method) => ({ name: `${service.name}.${method.name}`, policy: method.policy })),
  );
  const shape = (tag: string): string => tag.replaceAll(/\{[^}]*\}/g, "{}");
  const tags = new Set(methods.flatMap(({ policy }) => policy?.cache?.tags ?? []).map(shape));
  const invalidated = new Set(methods.flatMap(({ policy }) => policy?.invalidates ?? []).map(shape));
  for (const { name, policy } of methods) {
    for (const tag of policy?.cache?.tags ?? []) {
      if (!invalidated.has(shape(tag)))
        report(name)("cache.tag-never-invalidated", `no method invalidates "${tag}"`);
    }
    for (const tag of policy?.invalidates ?? []) {
      if (!tags.has(shape(tag)))
        report(name)("invalidates.tag-never-cached", `no method caches under "${tag}"`);
    }
  }
}

function checkAccess(contract: Contract, method: ContractMethod, policy: MethodPolicy, report: Report): void {
  const access = policy.access;
  const stated = [access?.public, access?.authenticated, (access?.permissions.length ?? 0) > 0].filter(
    Boolean,
  );
  if (stated.length !== 1) {
    report(
      "access.exactly-one",
      `states ${stated.length} of public, authenticated and permissions, must state one`,
    );
  }
  for (const permission of access?.permissions ?? []) {
    if (!/^[a-z][a-z_]*\.[a-z][a-z_]*$/.test(permission))
      report("access.permission-name", `"${permission}" is not of the form things.verb`);
  }
  const owner = access?.owner;
  if (owner === undefined) return;
  if (access?.permissions.length === 0)
    report("owner.needs-permissions", "an owner rule stands only beside permissions");
  if ((owner.requestField !== "") === owner.resource)
    report("owner.exactly-one", "states both or none of request_field and resource");
  if (owner.requestField !== "" && fieldAt(contract, method.input, owner.requestField)?.type !== "string") {
    report("owner.field", `${method.input} has no string field "${owner.requestField}"`);
  }
}

function checkClasses(policy: MethodPolicy, report: Report): void {
  if (policy.idempotency === Idempotency.IDEMPOTENCY_UNSPECIFIED)
    report("idempotency.unspecified", "states no idempotency");
  if (policy.rate === RateClass.RATE_CLASS_UNSPECIFIED) report("rate.unspecified", "states no rate class");
  if (policy.compression === Compression.COMPRESSION_UNSPECIFIED)
    report("compression.unspecified", "states no compression");
}

function checkDeadline(method: ContractMethod, policy: MethodPolicy, report: Report): void {
  const seconds = inSeconds(policy.deadline);
  const most = MAX_DEADLINE_SECONDS[method.kind];
  if (seconds <= 0 || seconds > most)
    report("deadline.range", `${seconds} s is not above 0 and at most ${most} s (${method.kind})`);
}

function checkRequestId(
  contract: Contract,
  method: ContractMethod,
  policy: MethodPolicy,
  report: Report,
): void {
  const byId = policy.idempotency === Idempotency.IDEMPOTENCY_BY_REQUEST_ID;
  const path = method.kind === "client_streaming" ? "header.request_id" : "request_id";
  const has = fieldAt(contract, method.input, path) !== undefined;
  if (byId && !has) report("request-id.missing", `${method.input} has no field "${path}"`);
  if (!byId && has)
    report(
      "request-id.unused",
      `${method.input} has a field "${path}", but the policy does not say BY_REQUEST_ID`,
    );
}

function checkCache(contract: Contract, method: ContractMethod, policy: MethodPolicy, report: Report): void {
  const readOnly = policy.idempotency === Idempotency.IDEMPOTENCY_NO_SIDE_EFFECTS;
  for (const tag of [...(policy.cache?.tags ?? []), ...policy.invalidates])
    checkTagFields(contract, method, tag, report);
  if (readOnly && policy.invalidates.length > 0)
    report("invalidates.read", "has no side effects, yet invalidates");
  const cache = policy.cache;
  if (cache === undefined) return;
  if (!readOnly) report("cache.side-effects", "caches a method with side effects");
  if (method.kind !== "unary") report("cache.stream", `caches a ${method.kind} method`);
  const ttl = inSeconds(cache.ttl);
  if (ttl <= 0 || ttl > MAX_TTL_SECONDS)
    report("cache.ttl", `${ttl} s is not above 0 and at most ${MAX_TTL_SECONDS} s`);
  if (cache.scope === CacheScope.CACHE_SCOPE_UNSPECIFIED)
    report("cache.scope-unspecified", "states no scope");
  const byCaller = policy.access?.authenticated === true || policy.access?.owner?.resource === true;
  if (byCaller && cache.scope !== CacheScope.CACHE_SCOPE_PRINCIPAL) {
    report("cache.scope-shared", "the response depends on the caller, the scope must be PRINCIPAL");
  }
}

function checkTagFields(contract: Contract, method: ContractMethod, tag: string, report: Report): void {
  for (const [, path = ""] of tag.matchAll(/\{([^}]*)\}/g)) {
    const field = fieldAt(contract, method.input, path);
    if (
      field === undefined ||
      field.kind === "message" ||
      field.label === "repeated" ||
      field.label === "map"
    ) {
      report("tag.field", `"${tag}": ${method.input} has no single field "${path}"`);
    }
  }
}

/** A compressed secret can be guessed from its length; a cached one outlives its revocation. */
function checkSecrets(
  contract: Contract,
  method: ContractMethod,
  policy: MethodPolicy,
  report: Report,
): void {
  if (!holdsSecret(contract, method.output, new Set())) return;
  if (policy.compression !== Compression.COMPRESSION_NEVER)
    report("secret.compressed", `${method.output} holds a secret, compression must be NEVER`);
  if (policy.cache !== undefined) report("secret.cached", `${method.output} holds a secret and is cached`);
}

function holdsSecret(contract: Contract, message: string, seen: Set<string>): boolean {
  if (seen.has(message)) return false;
  seen.add(message);
  return (contract.messages.get(message)?.fields ?? []).some(
    (field) =>
      field.sensitivity === Sensitivity.SENSITIVITY_SECRET ||
      field.sensitivity === Sensitivity.SENSITIVITY_CARD ||
      (field.kind === "message" && holdsSecret(contract, field.type, seen)),
  );
}

function checkErrors(contract: Contract, method: ContractMethod, policy: MethodPolicy, report: Report): void {
  for (const code of policy.errors.filter((code) => ALWAYS_POSSIBLE.includes(code))) {
    report("errors.always-possible", `code ${code} is possible for every method and not listed`);
  }
  if (new Set(policy.errors).size !== policy.errors.length) report("errors.repeated", "lists a code twice");
  const implied: readonly (readonly [string, Code, string])[] = [
    ["etag", Code.ABORTED, "ABORTED, for a stale etag"],
    ["request_id", Code.ALREADY_EXISTS, "ALREADY_EXISTS, for a request id with other content"],
    ["resume_token", Code.OUT_OF_RANGE, "OUT_OF_RANGE, for an expired token"],
  ];
  for (const [name, code, what] of implied) {
    if (fieldAt(contract, method.input, name) !== undefined && !policy.errors.includes(code)) {
      report("errors.implied", `${method.input} has a field "${name}", so the method must list ${what}`);
    }
  }
}

/** A page is asked for by size and token, and tells where the next begins. */
function checkPaging(contract: Contract, method: ContractMethod, report: Report): void {
  const paged = fieldAt(contract, method.input, "page_token") !== undefined;
  if (!paged) return;
  if (fieldAt(contract, method.input, "page_size") === undefined)
    report("paging.size", `${method.input} has no page_size`);
  if (fieldAt(contract, method.output, "next_page_token") === undefined) {
    report("paging.next", `${method.output} has no next_page_token`);
  }
}

/** Every message of an event stream says how to go on after it. */
function checkResuming(contract: Contract, method: ContractMethod, report: Report): void {
  const streams = method.kind === "server_streaming" || method.kind === "bidi_streaming";
  const events = contract.messages.get(method.output)?.oneofs.some(({ name }) => name === "event") === true;
  if (!streams || !events) return;
  if (fieldAt(contract, method.output, "resume_token") === undefined)
    report("resume.response", `${method.output} has no resume_token`);
  if (method.kind === "server_streaming" && fieldAt(contract, method.input, "resume_token") === undefined) {
    report("resume.request", `${method.input} has no resume_token`);
  }
}

function checkRoutes(contract: Contract, method: ContractMethod, report: Report): void {
  for (const route of method.routes) {
    for (const [, path = ""] of route.path.matchAll(/\{([^}=]*)[^}]*\}/g)) {
      if (fieldAt(contract, method.input, path) === undefined)
        report("http.path-field", `${route.path}: ${method.input} has no field "${path}"`);
    }
    if (
      route.body !== "" &&
      route.body !== "*" &&
      fieldAt(contract, method.input, route.body) === undefined
    ) {
      report("http.body-field", `${method.input} has no field "${route.body}"`);
    }
  }
}

/** The field at a dotted path, or undefined. */
function fieldAt(contract: Contract, message: string, path: string): ContractField | undefined {
  const [first = "", ...rest] = path.split(".");
  const field = contract.messages.get(message)?.fields.find(({ name }) => name === first);
  if (field === undefined || rest.length === 0) return field;
  return field.label === "repeated" || field.label === "map"
    ? undefined
    : fieldAt(contract, field.type, rest.join("."));
}

function inSeconds(duration: Duration | undefined): number {
  return Number(duration?.seconds ?? 0n) + (duration?.nanos ?? 0) / 1e9;
}
