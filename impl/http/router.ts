// Which route a request takes. Routers for the web take a parameter to the next slash, and none of them a literal ":verb" behind it, which is
// how every custom method of the API ends; so templates are matched here, by their number of segments and their verb.
import { type PathTemplate, parseTemplate } from "./path-template.ts";

export interface Router<T> {
  find(httpMethod: string, path: string): Found<T>;
}

export type Found<T> =
  | { readonly kind: "route"; readonly route: T; readonly values: ReadonlyMap<string, string> }
  /** The path exists, for these methods. */
  | { readonly kind: "otherMethod"; readonly allow: readonly string[] }
  | { readonly kind: "nothing" }
  /** A segment is not percent-encoded UTF-8. */
  | { readonly kind: "malformed" };

export interface RouteEntry<T> {
  readonly httpMethod: string;
  readonly template: string;
  readonly route: T;
}

interface Candidate<T> {
  readonly httpMethod: string;
  readonly template: PathTemplate;
  readonly route: T;
}

/** Throws when two entries answer to the same paths. */
export function createRouter<T>(entries: readonly RouteEntry<T>[]): Router<T> {
  const byShape = new Map<string, Candidate<T>[]>();
  const taken = new Set<string>();
  for (const { httpMethod, template: text, route } of entries) {
    const template = parseTemplate(text);
    const same = `${httpMethod} ${text.replaceAll(/\{[^}]*\}/g, "{}")}`;
    if (taken.has(same)) throw new Error(`${httpMethod} ${text} is the path of two methods`);
    taken.add(same);
    const shape = shapeOf(template.segments.length, template.verb);
    byShape.set(shape, [...(byShape.get(shape) ?? []), { httpMethod, template, route }]);
  }
  // A literal goes before a field at the first segment where two differ.
  for (const candidates of byShape.values()) {
    candidates.sort((a, b) => (literals(a.template) < literals(b.template) ? -1 : 1));
  }

  return {
    find(httpMethod, path) {
      const verbAt = path.lastIndexOf(":");
      const hasVerb = verbAt > path.lastIndexOf("/");
      const withVerb = hasVerb
        ? among(byShape, httpMethod, path.slice(0, verbAt), path.slice(verbAt + 1))
        : undefined;
      // A colon may also be part of a value.
      if (withVerb !== undefined && withVerb.kind !== "nothing") return withVerb;
      return among(byShape, httpMethod, path, "");
    },
  };
}

function among<T>(
  byShape: ReadonlyMap<string, readonly Candidate<T>[]>,
  httpMethod: string,
  path: string,
  verb: string,
): Found<T> {
  if (!path.startsWith("/")) return { kind: "nothing" };
  const parts = path.slice(1).split("/");
  const matching = (byShape.get(shapeOf(parts.length, verb)) ?? []).filter(({ template }) =>
    template.segments.every((segment, at) =>
      "literal" in segment ? segment.literal === parts[at] : parts[at] !== "",
    ),
  );
  const candidate = matching.find((match) => match.httpMethod === httpMethod);
  if (candidate === undefined) {
    const allow = [...new Set(matching.map((match) => match.httpMethod))];
    return allow.length === 0 ? { kind: "nothing" } : { kind: "otherMethod", allow };
  }
  const values = new Map<string, string>();
  for (const [at, segment] of candidate.template.segments.entries()) {
    if ("literal" in segment) continue;
    const value = decoded(parts[at] ?? "");
    if (value === undefined) return { kind: "malformed" };
    values.set(segment.field, value);
  }
  return { kind: "route", route: candidate.route, values };
}

const shapeOf = (segments: number, verb: string): string => `${segments}:${verb}`;

const literals = (template: PathTemplate): string =>
  template.segments.map((segment) => ("literal" in segment ? "0" : "1")).join("");

/** Undefined when it is not percent-encoded UTF-8. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
