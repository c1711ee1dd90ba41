// Seeded random numbers (xoshiro128**, 53 bits a number): the same seed gives the same schedule and the same workload on every
// machine. Named forks keep one consumer's draws from moving another's. Not for secrets.

export interface SeededRandom {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform whole number in [0, bound). */
  below(bound: number): number;
  /** A new array in random order. */
  shuffled<T>(items: readonly T[]): T[];
  /** A stream that depends on the seed and the name only, not on what was drawn here. */
  fork(name: string): SeededRandom;
}

/** Throws RangeError unless the seed is a safe whole number. */
export function seededRandom(seed: number): SeededRandom {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be a whole number, got ${seed}`);
  const draw = xoshiro128(seed);
  const next = () => ((draw() >>> 5) * 67_108_864 + (draw() >>> 6)) / 9_007_199_254_740_992;
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    next,
    below,
    shuffled: (items) => shuffle([...items], below),
    fork: (name) => seededRandom(hash(name, seed)),
  };
}

/** 32-bit draws. The state is filled by splitmix32, so that neighbouring seeds have nothing in common. */
function xoshiro128(seed: number): () => number {
  let mix = seed ^ Math.imul(Math.floor(seed / 4_294_967_296), 0x9e3779b1);
  const split = () => {
    mix = (mix + 0x9e3779b9) | 0;
    let value = Math.imul(mix ^ (mix >>> 16), 0x85ebca6b);
    value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
    return value ^ (value >>> 16);
  };
  let [a, b, c, d] = [split(), split(), split(), split() | 1];
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result >>> 0;
  };
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function shuffle<T>(items: T[], below: (bound: number) => number): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = below(i + 1);
    const [x, y] = [items[i], items[j]];
    if (x !== undefined && y !== undefined) [items[i], items[j]] = [y, x];
  }
  return items;
}

/** FNV-1a over the UTF-16 units of a name, begun with the seed. */
function hash(name: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed;
  for (let i = 0; i < name.length; i++) value = Math.imul(value ^ name.charCodeAt(i), 0x01000193);
  return value | 0;
}
