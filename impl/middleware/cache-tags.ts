// Cache tags of a method: templates of the policy such as "product/{product_id}", filled from a request. Values are case-folded, so that
// a write and a read that spell an id differently still meet.
import type { Method } from "#impl/runtime/method.ts";
import { reflectRequest, requestFieldReader } from "#impl/runtime/request-fields.ts";

/** The tags of one request. */
export type TagsOf = (request: Uint8Array) => readonly string[];

export interface TagTemplates {
  readonly tagsOf: TagsOf;
  /** True when the tags depend on the request. */
  readonly dependOnRequest: boolean;
}

const PLACEHOLDER = /\{([^}]+)\}/g;

/** Throws at start-up when a template names a field that the request does not have. */
export function tagTemplates(method: Method, templates: readonly string[]): TagTemplates {
  const parts = templates.map((template) => ({
    template,
    readers: new Map(
      [...template.matchAll(PLACEHOLDER)].map(([, path = ""]) => [path, requestFieldReader(method, path)]),
    ),
  }));
  if (parts.every(({ readers }) => readers.size === 0)) {
    return { tagsOf: () => templates, dependOnRequest: false };
  }
  return {
    dependOnRequest: true,
    tagsOf(bytes) {
      const request = reflectRequest(method.input, bytes);
      return parts.map(({ template, readers }) =>
        template.replace(PLACEHOLDER, (_, path: string) => readers.get(path)?.(request).toLowerCase() ?? ""),
      );
    },
  };
}
