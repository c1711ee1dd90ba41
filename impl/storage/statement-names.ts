// Which SQL texts become named (prepared) statements. A name saves the server parsing and planning, and costs it
// memory on every connection: so a text gets one at its second use, and only so many do. Texts that differ
// with every call (a list of n placeholders) thus never push out the ones that repeat.

const rememberedOnce = 1000;

export type StatementNames = {
  /** The name under which to run this text, or undefined to run it unnamed. */
  readonly nameOf: (sql: string) => string | undefined;
  /** Gives the text another name: the plan behind the old one no longer fits the tables. */
  readonly renew: (sql: string) => void;
};

/** `limit` 0 switches names off. */
export function statementNames(limit: number): StatementNames {
  const names = new Map<string, string>();
  const seenOnce = new Set<string>();
  let made = 0;
  return {
    nameOf(sql) {
      const name = names.get(sql);
      if (name !== undefined || names.size >= limit) return name;
      if (!seenOnce.delete(sql)) {
        if (seenOnce.size >= rememberedOnce) seenOnce.clear();
        seenOnce.add(sql);
        return undefined;
      }
      const given = `s${++made}`;
      names.set(sql, given);
      return given;
    },
    renew(sql) {
      if (names.has(sql)) names.set(sql, `s${++made}`);
    },
  };
}
