// The HTTP bindings of a method: google.api.http in the contract. Judges nothing but what no reader of it supports.
import {
  type DescMethod,
  type FileRegistry,
  getOption,
  hasOption,
  isMessage,
  toJson,
} from "@bufbuild/protobuf";

export interface HttpRule {
  /** Upper case. */
  readonly verb: string;
  /** Such as "/v1/users/{user.user_id}:suspend". */
  readonly path: string;
  /** "*", the name of a field of the request, or "" for none. */
  readonly body: string;
}

const OPTION = "google.api.http";
const VERBS = ["get", "put", "post", "delete", "patch"] as const;

/** What of google.api.HttpRule is read, as protobuf JSON. */
type RuleJson = Partial<Record<(typeof VERBS)[number] | "body" | "responseBody", string>> & {
  readonly custom?: object;
  readonly additionalBindings?: readonly RuleJson[];
};

/** The first binding, then the additional ones; none when the method has no HTTP binding. Throws on one that is not supported. */
export function readHttpRules(registry: FileRegistry, desc: DescMethod): readonly HttpRule[] {
  const option = registry.getExtension(OPTION);
  if (option?.message === undefined || !hasOption(desc, option)) return [];
  const value = getOption(desc, option);
  if (!isMessage(value)) throw new Error(`${OPTION} is not a message`);
  // The one cast of this file: the JSON of a message has the shape that its type says.
  return rulesOf(toJson(option.message, value, { registry }) as RuleJson, desc);
}

function rulesOf(rule: RuleJson, desc: DescMethod): HttpRule[] {
  if (rule.custom !== undefined || rule.responseBody !== undefined) {
    throw new Error(`${desc}: ${OPTION} with custom or response_body is not supported`);
  }
  const own = VERBS.flatMap((verb) => {
    const path = rule[verb];
    return path === undefined ? [] : [{ verb: verb.toUpperCase(), path, body: rule.body ?? "" }];
  });
  return [...own, ...(rule.additionalBindings ?? []).flatMap((binding) => rulesOf(binding, desc))];
}
