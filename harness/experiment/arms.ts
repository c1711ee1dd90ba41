// The design's factors and its arms: a full 2^k, each arm one system started with the middleware of the factors that are off
// switched off. An arm's number is its cell in the factorial: bit i is set where factor i is on.

export interface Factor {
  readonly id: FactorId;
  /** As a sentence begins with it. */
  readonly label: string;
  /** The link of the system's middleware chain that carries it. */
  readonly middleware: string;
}

export type FactorId = "caching" | "compression";

export interface Arm {
  readonly id: string;
  readonly cell: number;
  readonly label: string;
  readonly on: readonly FactorId[];
  /** Value of MIDDLEWARE_OFF. */
  readonly middlewareOff: string;
}

export const factors: readonly Factor[] = [
  { id: "caching", label: "Caching", middleware: "cache" },
  { id: "compression", label: "Response compression", middleware: "compression" },
];

/** In the order of their cells: neither, caching, compression, both. */
export const arms: readonly Arm[] = Array.from({ length: 2 ** factors.length }, (_, cell) => {
  const on = factors.filter((_factor, bit) => (cell >> bit) & 1);
  const off = factors.filter((_factor, bit) => !((cell >> bit) & 1));
  return {
    id: on.map((factor) => factor.id).join("+") || "neither",
    cell,
    label: on.length === 0 ? "neither" : on.length === factors.length ? "both" : `${on[0]?.id} only`,
    on: on.map((factor) => factor.id),
    middlewareOff: off.map((factor) => factor.middleware).join(","),
  };
});
