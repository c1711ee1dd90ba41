// Ends reservations whose time has run out, a few in a transaction. Any number of processes may do it at once: what one has locked
// the others leave alone.
import type { Transaction } from "kysely";
import { inTransaction } from "#impl/storage/transaction.ts";
import { lockDue } from "./locked-rows.ts";
import { expireReservation } from "./reservation-commands.ts";
import { stagedState } from "./staged-state.ts";
import { writeStaged } from "./staged-writes.ts";
import type { WriteContext } from "./write-group.ts";

/** How many were ended: fewer than `limit` when no more are due. */
export async function expireDue(
  { database, events, clock }: WriteContext,
  limit: number,
  signal: AbortSignal,
): Promise<number> {
  const work = async (transaction: Transaction<unknown>): Promise<number> => {
    const now = new Date(clock.now());
    const rows = await lockDue(transaction, now, limit);
    const state = stagedState({ now, ...rows });
    for (const { reservationId } of rows.reservations) {
      state.apply(expireReservation(reservationId).decide(state).effects);
    }
    const { staged } = state;
    if (staged.events.length === 0) return 0;
    await writeStaged(transaction, staged, [], { now, expiry: now });
    await events.append(transaction, staged.events);
    return staged.ended.length;
  };
  const ended = await inTransaction(database, work, { signal });
  if (ended > 0) events.committed();
  return ended;
}
