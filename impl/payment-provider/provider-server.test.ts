import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { newId } from "#impl/runtime/ids.ts";
import { cardSuffering } from "./test-cards.ts";
import { cardData, providerCaller, startTestProvider } from "./testing/provider-fixture.ts";

const provider = await startTestProvider({ lostAnswer: "reset", lateMs: 800 });
const { post, get, tokenOf } = providerCaller(provider);
const FAULTLESS = "4242424242424242";

const authorize = async (number = FAULTLESS, key = newId(), order = newId()) =>
  post(
    "/v1/authorizations",
    {
      token: await tokenOf(number),
      amount: "1000",
      currency: "EUR",
      order_reference: order,
      merchant_reference: key,
    },
    key,
  );
const authorized = async (number?: string): Promise<string> =>
  (await authorize(number)).body.operation.authorization;
const on = (id: string, action: string, body: object = {}, key = newId()) =>
  post(`/v1/authorizations/${id}/${action}`, { merchant_reference: key, ...body }, key);
const byKey = async (key: string) => (await get(`/v1/operations?idempotency_key=${key}`)).body.operations;

describe("money", () => {
  test("is held, taken in parts, let go and given back, never more than there is", async () => {
    const id = await authorized();
    expect((await on(id, "captures", { amount: "300" })).status).toBe(200);
    const tooMuch = await on(id, "captures", { amount: "701" });
    expect(tooMuch).toMatchObject({ status: 422, body: { operation: { failure_code: "amount_too_large" } } });
    expect((await on(id, "void")).body.operation.amount).toBe("700");
    expect((await on(id, "captures", { amount: "1" })).body.operation.failure_code).toBe(
      "authorization_voided",
    );
    expect((await on(id, "refunds", { amount: "200" })).status).toBe(200);
    expect((await on(id, "refunds", { amount: "101" })).body.operation.failure_code).toBe("amount_too_large");
    expect((await get(`/v1/authorizations/${id}`)).body).toMatchObject({
      status: "voided",
      amount: "1000",
      captured: "300",
      refunded: "200",
    });
  });

  test("that is held is let go by a final capture, and when its time is over", async () => {
    const id = await authorized();
    await on(id, "captures", { amount: "300", final: true });
    expect((await on(id, "captures", { amount: "1" })).body.operation.failure_code).toBe(
      "authorization_captured",
    );
    await provider.process().change({ authorizationLifetimeMs: 20 });
    const short = await authorized();
    await provider.process().change({ authorizationLifetimeMs: 60_000 });
    await expect
      .poll(async () => (await get(`/v1/authorizations/${short}`)).body.status, { interval: 5 })
      .toBe("expired");
    expect((await on(short, "captures", { amount: "1" })).body.operation.failure_code).toBe(
      "authorization_expired",
    );
  });
});

describe("an idempotency key", () => {
  test("makes one operation of many requests, each answered alike", async () => {
    const key = newId();
    const id = await authorized();
    const answers = await Promise.all([1, 2, 3].map(() => on(id, "captures", { amount: "400" }, key)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await get(`/v1/authorizations/${id}`)).body.captured).toBe("400");
  });

  test("is refused with another request, and a write without one", async () => {
    const key = newId();
    const id = await authorized();
    await on(id, "captures", { amount: "400" }, key);
    expect(await on(id, "captures", { amount: "401" }, key)).toMatchObject({
      status: 409,
      body: { error: { code: "idempotency_key_reused" } },
    });
    expect((await on(id, "captures", { amount: "1" }, "with blanks")).status).toBe(400);
  });

  test("gives the first answer again after the process was killed", async () => {
    const key = newId();
    const id = await authorized();
    const first = await on(id, "captures", { amount: "400" }, key);
    await provider.restart();
    expect(await on(id, "captures", { amount: "400" }, key)).toEqual(first);
    expect((await get(`/v1/authorizations/${id}`)).body).toMatchObject({ captured: "400", status: "held" });
  });
});

describe("test cards", () => {
  test.each([
    ["4000000000000002", 402, { decline_code: "generic_decline" }],
    ["4000000000009995", 402, { decline_code: "insufficient_funds" }],
    ["4000000000000119", 422, { failure_code: "processing_error" }],
  ])("%s is refused", async (number, status, operation) => {
    expect(await authorize(number)).toMatchObject({ status, body: { operation } });
  });

  test("that lose the answer have done it, those that lose the request have not", async () => {
    const [done, dropped] = [newId(), newId()];
    await expect(authorize(cardSuffering("authorize", "answer_lost"), done)).rejects.toThrow();
    await expect(authorize(cardSuffering("authorize", "request_lost"), dropped)).rejects.toThrow();
    expect(await byKey(done)).toMatchObject([{ status: "succeeded" }]);
    expect(await byKey(dropped)).toEqual([]);
  });

  test("that are late are found nowhere, then done", async () => {
    const id = await authorized(cardSuffering("capture", "done_late"));
    const key = newId();
    await expect(on(id, "captures", { amount: "5" }, key)).rejects.toThrow();
    expect(await byKey(key)).toEqual([]);
    expect((await on(id, "captures", { amount: "5" }, key)).body.error.code).toBe("idempotency_key_in_use");
    await expect.poll(() => byKey(key), { interval: 5 }).toHaveLength(1);
    expect((await on(id, "captures", { amount: "5" }, key)).status).toBe(200);
  });

  test("that answer 500 tell nothing, and a repeat tells all", async () => {
    for (const effect of ["error_before", "error_after"] as const) {
      const id = await authorized(cardSuffering("refund", effect));
      await on(id, "captures", { amount: "9" });
      const key = newId();
      expect((await on(id, "refunds", { amount: "9" }, key)).status).toBe(500);
      expect(await byKey(key)).toHaveLength(effect === "error_after" ? 1 : 0);
      expect((await on(id, "refunds", { amount: "9" }, key)).status).toBe(200);
    }
  });

  test("are tokens for one order, and leave no number in any file", async () => {
    const token = await tokenOf("5555555555554444");
    const pay = (order: string) => {
      const key = newId();
      const body = { token, amount: "1", currency: "EUR", order_reference: order, merchant_reference: key };
      return post("/v1/authorizations", body, key);
    };
    expect((await pay("first")).body.operation.card).toMatchObject({ brand: "mastercard", last4: "4444" });
    expect((await pay("first")).status).toBe(200);
    expect((await pay("second")).body.operation.failure_code).toBe("token_used");
    for (const file of ["journal.ndjson", "provider.log", "config.json"]) {
      const text = await readFile(join(provider.dataDir, file), "utf8");
      expect(text).not.toMatch(/5555555555554444|A\. Customer|"123"/);
    }
  });

  test("are refused when they cannot be cards", async () => {
    const refusals = [
      [{ number: "4242424242424243" }, "incorrect_number"],
      [{ exp_year: 2020 }, "expired_card"],
      [{ cvc: "12" }, "invalid_cvc"],
    ] as const;
    for (const [change, decline_code] of refusals) {
      const answer = await post("/v1/tokens", { card: { ...cardData(FAULTLESS), ...change } });
      expect(answer).toMatchObject({ status: 402, body: { decline_code } });
    }
    const nameless = await post("/v1/tokens", { card: { number: "4242424242424242" } });
    expect(nameless).toMatchObject({
      status: 400,
      body: { error: { message: "exp_month must be an integer" } },
    });
  });
});

test("a burst of refusals begins and ends by the seed", async () => {
  const statuses = async () => {
    await provider.process().change({ seed: 7, bursts: { rate: 0.2, length: 2 } });
    const seen: number[] = [];
    for (let i = 0; i < 12; i++) seen.push((await get("/v1/operations?limit=1")).status);
    return seen;
  };
  const first = await statuses();
  expect(new Set(first)).toEqual(new Set([200, 503]));
  expect(await statuses()).toEqual(first);
  await provider.process().change({ bursts: { rate: 0 } });
});

test("a caller without the account's key, an unknown path and a behaviour that cannot be are refused", async () => {
  const stranger = providerCaller(provider, "sk_wrong");
  expect((await stranger.get("/v1/operations")).status).toBe(401);
  expect((await get("/v2/everything")).status).toBe(404);
  await expect(provider.process().change({ effects: { answer_lost: 2 } })).rejects.toThrow(
    "effects.answer_lost: 2 must be from 0 to 1",
  );
  await expect(provider.process().change({ colour: "red" })).rejects.toThrow("colour: is not a setting");
});

test("all that was done can be read a page at a time", async () => {
  const all = (await get("/v1/operations")).body.operations.map(({ id }: { id: string }) => id);
  const read: string[] = [];
  for (let more = true; more; ) {
    const after = read.length === 0 ? "" : `&after=${read.at(-1)}`;
    const { body } = await get(`/v1/operations?limit=4${after}`);
    read.push(...body.operations.map(({ id }: { id: string }) => id));
    more = body.has_more;
  }
  expect(read).toEqual(all);
});
