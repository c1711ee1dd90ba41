import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { failure, refusals, violations } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import { ReservationState, type Stock } from "#proto/ecommerce/v1/inventory.ts";
import { contradictions } from "./testing/audit.ts";
import { inventoryFixture } from "./testing/inventory-fixture.ts";
import { item, warehouse } from "./testing/warehouse.ts";

const fixture = await inventoryFixture();
const { client, clock, store, database } = fixture;
const { product, stock, reserve, reservation, commit, release } = warehouse(client);
const { RESERVATION_STATE_HELD: held } = ReservationState;
const unknown = randomUUID();

const amounts = ({ available, reserved, sold }: Stock): bigint[] => [available, reserved, sold];

describe("ReserveStock", () => {
  test("promises the units of all items until the time is over", async () => {
    const [a, b] = [await product(10n), await product(20n)];
    const request = {
      orderId: randomUUID(),
      items: [item(b, 5n), item(a, 2n)],
      ttl: { seconds: 90n, nanos: 500_000_000 },
      requestId: randomUUID(),
    };
    const now = clock.now();
    const made = (await client.reserveStock(request)).reservation;
    expect(made).toEqual({
      reservationId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      orderId: request.orderId,
      items: request.items,
      state: held,
      expireTime: new Date(now + 90_500),
      createTime: new Date(now),
      updateTime: new Date(now),
    });
    expect(await reservation(made?.reservationId ?? "")).toEqual(made);
    expect(amounts(await stock(a))).toEqual([8n, 2n, 0n]);
    expect(amounts(await stock(b))).toEqual([15n, 5n, 0n]);
  });

  test("holds for 15 minutes unless it is told otherwise", async () => {
    const { expireTime } = await reserve([item(await product(1n), 1n)]);
    expect(expireTime?.getTime()).toBe(clock.now() + 900_000);
  });

  test("takes nothing when one item cannot be had, and names all that cannot", async () => {
    const [enough, short, empty] = [await product(5n), await product(3n), await product(1n)];
    await reserve([item(empty, 1n)]);
    const items = [item(enough, 5n), item(short, 4n), item(empty, 1n), item(unknown, 2n)];
    const error = await failure(reserve(items));
    expect(error).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "INSUFFICIENT_STOCK" });
    expect(refusals(error)).toEqual([
      `INSUFFICIENT_STOCK ${short}: requested 4, available 3`,
      `INSUFFICIENT_STOCK ${empty}: requested 1, available 0`,
      `INSUFFICIENT_STOCK ${unknown}: requested 2, available 0`,
    ]);
    expect(amounts(await stock(enough))).toEqual([5n, 0n, 0n]);
    expect(amounts(await stock(short))).toEqual([3n, 0n, 0n]);
  });

  test("sums what is named in two spellings", async () => {
    const productId = await product(5n);
    const twice = (units: bigint) => [item(productId, units), item(productId.toUpperCase(), units)];
    expect(refusals(await failure(reserve(twice(3n))))).toEqual([
      `INSUFFICIENT_STOCK ${productId}: requested 6, available 5`,
    ]);
    expect((await reserve(twice(2n))).items).toEqual([item(productId, 4n)]);
    expect(amounts(await stock(productId))).toEqual([1n, 4n, 0n]);
  });

  test("with one request id has one effect and one answer, also when sent at the same time", async () => {
    const productId = await product(5n);
    const items = [item(productId, 3n)];
    const request = { orderId: randomUUID(), items, ttl: undefined, requestId: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.reserveStock(request)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    await commit(answers[0]?.reservation?.reservationId ?? "");
    // The first answer, and not what has become of the reservation.
    expect(await client.reserveStock(request)).toEqual(answers[0]);
    expect(amounts(await stock(productId))).toEqual([2n, 0n, 3n]);
    expect(await failure(client.reserveStock({ ...request, orderId: randomUUID() }))).toMatchObject({
      code: Code.ALREADY_EXISTS,
      reason: "REQUEST_ID_REUSED",
    });
  });

  test("that was refused may be sent again with the same request id", async () => {
    const productId = await product(2n);
    const items = [item(productId, 2n)];
    const { reservationId } = await reserve(items);
    const request = { orderId: randomUUID(), items, ttl: undefined, requestId: randomUUID() };
    expect((await failure(client.reserveStock(request))).reason).toBe("INSUFFICIENT_STOCK");
    await release(reservationId);
    expect((await client.reserveStock(request)).reservation).toMatchObject({ items });
  });

  test("of a thousand products is a handful of statements, and so is its commit", async () => {
    const items = Array.from({ length: 1_000 }, () => item(randomUUID(), 3n));
    await client.receiveStock({ items, reference: "", requestId: randomUUID() });
    const before = database.statements();
    const { reservationId } = await reserve(items);
    await commit(reservationId);
    // Of which some are the event log's.
    expect(database.statements() - before).toBeLessThan(20);
    expect(amounts(await stock(items[999]?.productId ?? ""))).toEqual([0n, 0n, 3n]);
  });

  test.each([
    [{ items: [] }, "items: repeated.min_items"],
    [{ items: [item(unknown, 0n)] }, "items[0].quantity: int64.gte_lte"],
    [{ items: [item(unknown, 1n), item(unknown, 2n)] }, "items: stock_items.products_unique"],
    [{ orderId: "mine" }, "order_id: string.uuid"],
    [{ ttl: { seconds: 0n, nanos: 1 } }, "ttl: duration.gte_lte"],
    [{ ttl: { seconds: 86_400n, nanos: 1 } }, "ttl: duration.gte_lte"],
    [{ requestId: "" }, "request_id: string.uuid_empty"],
  ])("refuses %o by %s", async (changes, violation) => {
    const items = [item(unknown, 1n)];
    const legal = { orderId: unknown, items, ttl: undefined, requestId: randomUUID() };
    const error = await failure(client.reserveStock({ ...legal, ...changes }));
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
    expect(violations(error)).toContain(violation);
  });
});

describe("CommitReservation and ReleaseReservation", () => {
  test("sell what is reserved, once", async () => {
    const productId = await product(10n);
    const { reservationId } = await reserve([item(productId, 4n)]);
    clock.advance(1_000);
    const sold = await commit(reservationId);
    expect(sold).toMatchObject({
      state: ReservationState.RESERVATION_STATE_COMMITTED,
      updateTime: new Date(clock.now()),
    });
    clock.advance(1_000);
    expect(await commit(reservationId)).toEqual(sold);
    expect(amounts(await stock(productId))).toEqual([6n, 0n, 4n]);
    expect(await reservation(reservationId)).toEqual(sold);
  });

  test("let go of what is reserved, once", async () => {
    const productId = await product(10n);
    const { reservationId } = await reserve([item(productId, 4n)]);
    const gone = await release(reservationId);
    expect(gone.state).toBe(ReservationState.RESERVATION_STATE_RELEASED);
    expect(await release(reservationId)).toEqual(gone);
    expect(amounts(await stock(productId))).toEqual([10n, 0n, 0n]);
  });

  test("do not undo each other", async () => {
    const productId = await product(10n);
    const [one, other] = [await reserve([item(productId, 4n)]), await reserve([item(productId, 3n)])];
    await commit(one.reservationId);
    await release(other.reservationId);
    const refused = await failure(release(one.reservationId));
    expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "RESERVATION_COMMITTED" });
    expect(refusals(refused)).toEqual([
      `RESERVATION_COMMITTED ${one.reservationId}: the reservation was committed`,
    ]);
    expect(await failure(commit(other.reservationId))).toMatchObject({
      code: Code.FAILED_PRECONDITION,
      reason: "RESERVATION_RELEASED",
    });
    expect(amounts(await stock(productId))).toEqual([6n, 0n, 4n]);
  });

  test("at the same time: one of them decides, and both are answered by it", async () => {
    const productId = await product(50n);
    const made = await Promise.all(Array.from({ length: 20 }, () => reserve([item(productId, 1n)])));
    const outcomes = await Promise.all(
      made.map(async ({ reservationId }) => {
        const [sold, gone] = await Promise.allSettled([commit(reservationId), release(reservationId)]);
        return [sold.status, gone.status];
      }),
    );
    for (const outcome of outcomes) expect(outcome.toSorted()).toEqual(["fulfilled", "rejected"]);
    const sold = BigInt(outcomes.filter(([status]) => status === "fulfilled").length);
    expect(amounts(await stock(productId))).toEqual([50n - sold, 0n, sold]);
  });

  test("with one request id get the first answer, whatever has happened since", async () => {
    const { reservationId } = await reserve([item(await product(1n), 1n)]);
    const request = { reservationId, requestId: randomUUID() };
    const first = await client.commitReservation(request);
    expect(await client.commitReservation(request)).toEqual(first);
    const other = { ...request, reservationId: randomUUID() };
    expect((await failure(client.commitReservation(other))).code).toBe(Code.ALREADY_EXISTS);
    // Another method, and so another request.
    expect((await failure(client.releaseReservation(request))).reason).toBe("RESERVATION_COMMITTED");
  });

  test("of a reservation that is not there are NOT_FOUND, and so is GetReservation", async () => {
    for (const call of [commit, release, reservation]) {
      const error = await failure(call(unknown));
      expect(error.code).toBe(Code.NOT_FOUND);
      expect(error.details.resourceInfo).toMatchObject({ resourceName: unknown });
    }
  });
});

describe("a reservation whose time is over", () => {
  test("cannot be committed, though nobody has swept it yet: it holds until the last millisecond before", async () => {
    const productId = await product(10n);
    const [late, punctual] = [
      await reserve([item(productId, 4n)], 10n),
      await reserve([item(productId, 3n)], 10n),
    ];
    clock.advance(9_999);
    expect((await commit(punctual.reservationId)).state).toBe(ReservationState.RESERVATION_STATE_COMMITTED);
    clock.advance(1);
    expect((await reservation(late.reservationId)).state).toBe(held);
    const request = { reservationId: late.reservationId, requestId: randomUUID() };
    for (const _ of ["once", "again"]) {
      const error = await failure(client.commitReservation(request));
      expect(error).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "RESERVATION_EXPIRED" });
    }
    // The refusal has ended it: nobody with a slower clock can commit it any more.
    expect(await reservation(late.reservationId)).toMatchObject({
      state: ReservationState.RESERVATION_STATE_EXPIRED,
    });
    expect(amounts(await stock(productId))).toEqual([7n, 0n, 3n]);
    clock.advance(-1);
    expect((await failure(client.commitReservation(request))).reason).toBe("RESERVATION_EXPIRED");
    clock.advance(1);
  });

  test("is EXPIRED when it is let go of", async () => {
    const productId = await product(10n);
    const { reservationId } = await reserve([item(productId, 4n)], 10n);
    clock.advance(10_000);
    const gone = await release(reservationId);
    expect(gone.state).toBe(ReservationState.RESERVATION_STATE_EXPIRED);
    expect(await release(reservationId)).toEqual(gone);
    expect(amounts(await stock(productId))).toEqual([10n, 0n, 0n]);
  });

  test("is ended by exactly one of the sweeper, a commit and a release at the same time", async () => {
    const productId = await product(50n);
    const made = await Promise.all(Array.from({ length: 20 }, () => reserve([item(productId, 2n)], 10n)));
    clock.advance(10_000);
    const ids = made.map(({ reservationId }) => reservationId);
    const { signal } = new AbortController();
    const [, , commits] = await Promise.all([
      store.expireDue(7, signal),
      store.expireDue(7, signal),
      Promise.allSettled(ids.map(commit)),
      Promise.all(ids.slice(10).map(release)),
    ]);
    expect(commits.every(({ status }) => status === "rejected")).toBe(true);
    for (const id of ids) {
      expect((await reservation(id)).state).toBe(ReservationState.RESERVATION_STATE_EXPIRED);
    }
    expect(amounts(await stock(productId))).toEqual([50n, 0n, 0n]);
  });
});

test("what is stored is what has happened", async () => {
  expect(await contradictions(fixture)).toEqual([]);
});
