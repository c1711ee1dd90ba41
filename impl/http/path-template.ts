// A path template of google.api.http: literal segments, {field} segments, and a ":verb" at the end. Patterns of several segments, such as
// {name=shelves/*}, are refused at start-up: the contract has none.

/** A literal, or the dotted path of the request field that the segment is the value of. */
export type Segment = { readonly literal: string } | { readonly field: string };

export interface PathTemplate {
  readonly segments: readonly Segment[];
  /** What stands after the colon; "" for none. */
  readonly verb: string;
}

const TEMPLATE = /^((?:\/(?:[\w.~-]+|\{[\w.]+\}))+)(?::([\w-]+))?$/;

/** Throws an Error that names a template which is none. */
export function parseTemplate(text: string): PathTemplate {
  const [, path, verb = ""] = TEMPLATE.exec(text) ?? [];
  if (path === undefined) throw new Error(`"${text}" is not a path template that is supported`);
  const segments = path
    .slice(1)
    .split("/")
    .map((part) => (part.startsWith("{") ? { field: part.slice(1, -1) } : { literal: part }));
  return { segments, verb };
}
