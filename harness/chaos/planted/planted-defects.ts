// Defects that the claims of a chaos run must find, each as the change of the sources that plants it. A text that is not there any more
// fails a test: the defect has to follow the code.

export interface Replacement {
  /** From the root of the checkout. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly from: string;
  readonly to: string;
}

export interface PlantedDefect {
  readonly name: string;
  readonly about: string;
  readonly replacements: readonly [Replacement, ...Replacement[]];
  /** What the claims that must find it begin with; one of them is enough. */
  readonly claims: readonly string[];
}

export const PLANTED_DEFECTS: readonly PlantedDefect[] = [
  {
    name: "stock-check-dropped",
    about: "stock is promised without a look at how much there is, and the table takes it",
    replacements: [
      {
        file: "impl/services/inventory/reservation-commands.ts",
        from: "return available < quantity ? [",
        to: "return available < -1_000_000_000n ? [",
      },
      {
        file: "impl/services/inventory/migrations/0001_inventory.sql",
        from: "available bigint not null check (available >= 0)",
        to: "available bigint not null",
      },
    ],
    claims: ["available + reserved + sold", "each reading and change of a stock counter"],
  },
  {
    name: "compensation-skipped",
    about: "what was reserved for an order that failed is not released",
    replacements: [
      {
        file: "impl/services/order/saga/reserve.ts",
        from: "if (reservation instanceof CallError) return {};",
        to: "return reservation instanceof CallError ? {} : { reservationId: reservation };",
      },
    ],
    claims: ["available + reserved + sold"],
  },
  {
    name: "event-lost",
    about: "of several changes that are written at once only the first is told",
    replacements: [
      {
        file: "impl/services/order/order-change.ts",
        from: "    orderEvent(version, (versions[index - 1] ?? before).status),\n  );",
        to: "    orderEvent(version, (versions[index - 1] ?? before).status),\n  ).slice(0, 1);",
      },
    ],
    claims: ["a stream of orders tells every change once"],
  },
];
