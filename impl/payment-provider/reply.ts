// What the provider answers: a status of HTTP and a JSON body. Errors name a code and the rule, never a value of the request.

export interface Reply {
  readonly status: number;
  readonly body: object;
}

export function refused(status: number, code: string, message: string): Reply {
  return { status, body: { error: { code, message } } };
}

/** Says nothing about whether it was done. */
export function failed(): Reply {
  return refused(500, "internal_error", "something went wrong");
}

export function overloaded(): Reply {
  return refused(503, "overloaded", "the request was not done");
}

export function notFound(): Reply {
  return refused(404, "not_found", "there is nothing of this name");
}

/** A request that says something that cannot be. */
export class BadRequest extends Error {
  readonly field: string;

  constructor(field: string, rule: string) {
    super(`${field} ${rule}`);
    this.field = field;
  }
}
