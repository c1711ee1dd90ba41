// The only source of ids and of randomness, passed in where they are needed.
import { v7 } from "uuid";

/** Makes a UUIDv7: unique, and sortable by the time it was made. */
export type NewId = () => string;

/** A number in [0, 1). */
export type Random = () => number;

export const newId: NewId = () => v7();

export const systemRandom: Random = () => Math.random();
