// A seeded stream of random numbers (sfc32): the same seed gives the same order of slices and the same schedule on every
// machine. Not for secrets.

export interface SeededRandom {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform whole number in [0, bound). */
  below(bound: number): number;
  /** A new array in random order. */
  shuffled<T>(items: readonly T[]): T[];
  /** A stream that is independent of this one, named so that adding one does not move the others. */
  fork(name: string): SeededRandom;
}

export function seededRandom(seed: number): SeededRandom {
  let [a, b, c, counter] = [0x9e3779b9, 0x243f6a88, seed | 0, 1];
  const draw = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let warm = 0; warm < 16; warm++) draw();

  const next = () => draw() / 4294967296;
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    next,
    below,
    shuffled: (items) => {
      const order = [...items];
      for (let i = order.length - 1; i > 0; i--) {
        const j = below(i + 1);
        const [x, y] = [order[i], order[j]];
        if (x !== undefined && y !== undefined) [order[i], order[j]] = [y, x];
      }
      return order;
    },
    fork: (name) => seededRandom(hash(name) ^ seed),
  };
}

/** FNV-1a over the UTF-16 units of a name. */
function hash(name: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) value = Math.imul(value ^ name.charCodeAt(i), 0x01000193);
  return value | 0;
}
