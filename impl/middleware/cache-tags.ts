// Cache tags of a method: templates of the policy such as "product/{product_id}", filled from a request. Values are case-folded, so that
// a write and a read that spell an id differently still meet.
import type { Message } from "@bufbuild/protobuf";
import type { Method } from "#impl/runtime/method.ts";
import { type FieldReader, requestFieldReader } from "#impl/runtime/request-fields.ts";

export interface TagTemplates {
  /** The tags of one request, which is asked for only when they depend on it. */
  tagsOf(request: () => Message): readonly string[];
  /** True when the tags depend on the request. */
  readonly dependOnRequest: boolean;
}

/** Text that stands in the tag, or a field whose value does. */
type Part = string | FieldReader;

const PLACEHOLDER = /\{([^}]+)\}/;

/** Throws at start-up when a template names a field that the request does not have. */
export function tagTemplates(method: Method, templates: readonly string[]): TagTemplates {
  // A split by a pattern with a group gives text and group in turn.
  const compiled = templates.map((template) =>
    template
      .split(PLACEHOLDER)
      .map((text, index): Part => (index % 2 === 0 ? text : requestFieldReader(method, text))),
  );
  if (compiled.every((parts) => parts.length === 1)) {
    return { tagsOf: () => templates, dependOnRequest: false };
  }
  return {
    dependOnRequest: true,
    tagsOf(request) {
      const message = request();
      return compiled.map((parts) => parts.map((part) => fill(part, message)).join(""));
    },
  };
}

function fill(part: Part, request: Message): string {
  return typeof part === "string" ? part : part(request).toLowerCase();
}
