// Where the randomness of a scenario comes from: SEED, or always the same.

/** Printed with every failure: `make scenarios SEED=<seed>` repeats it. */
export const seed = Number(process.env.SEED ?? "1");

/** Repeats more, for as long as one likes: 1 in the tests. */
export const effort = Number(process.env.EFFORT ?? "1");
