// Cache tags of a method: templates of the policy such as "product/{product_id}", filled from a request. Values are case-folded, so that
// a write and a read that spell an id differently still meet.
import type { Message } from "@bufbuild/protobuf";
import type { Method } from "#impl/runtime/method.ts";
import { type FieldReader, requestFieldReader } from "#impl/runtime/request-fields.ts";

export interface TagTemplates {
  /** The tags of every request, where none depends on it: then it need not be read. */
  readonly fixed: readonly string[] | undefined;
  tagsOf(request: Message): readonly string[];
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
      .map((text, index): Part => (index % 2 === 0 ? text : requestFieldReader(method, text)))
      .filter((part) => part !== ""),
  );
  const dependOnRequest = compiled.some((parts) => parts.some((part) => typeof part !== "string"));
  return {
    fixed: dependOnRequest ? undefined : templates,
    tagsOf: (request) => compiled.map((parts) => fill(parts, request)),
  };
}

function fill(parts: readonly Part[], request: Message): string {
  let tag = "";
  for (const part of parts) tag += typeof part === "string" ? part : part(request).toLowerCase();
  return tag;
}
