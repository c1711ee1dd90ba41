// Who calls, once the credentials have been verified.

export interface Principal {
  /** The user's id; for a machine, the id of its account. */
  readonly userId: string;
  readonly roles: readonly string[];
  readonly permissions: ReadonlySet<string>;
}
