// What k6 has beside its modules. Not the console of Node: these two only.
declare const console: { log(...values: unknown[]): void; error(...values: unknown[]): void };
