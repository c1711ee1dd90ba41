import { Webhook } from "standardwebhooks";
import { afterAll, describe, expect, test } from "vitest";
import { failure } from "#impl/client/testing/answers.ts";
import { cardSuffering } from "#impl/payment-provider/test-cards.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { PaymentState } from "#proto/ecommerce/v1/payment.ts";
import { asking } from "./testing/asking.ts";
import { nobody, startPayments } from "./testing/payment-fixture.ts";
import { truthOf } from "./testing/provider-truth.ts";
import { startWebhookReceiver } from "./webhook-receiver.ts";

const fixture = await startPayments();
const { client, process, database, reconciler, logged } = fixture;
const { authorize, capture, get, refund, void: cancel } = asking(fixture);
const truth = truthOf(process);
const signer = new Webhook(process.process().webhookSecret);

interface Sent {
  readonly id?: string;
  readonly sentTime?: Date;
  readonly signature?: string;
}

const send = (
  payload: string,
  { id = newId(), sentTime = new Date(systemClock.now()), signature }: Sent = {},
) =>
  client.receiveProviderEvent(
    {
      webhookId: id,
      sentTime,
      signature: signature ?? signer.sign(id, sentTime, payload),
      payload: Buffer.from(payload),
    },
    nobody,
  );
const operationEvent = (operation: object, status = "succeeded") =>
  JSON.stringify({ id: newId(), created_at: 0, type: `operation.${status}`, data: { operation } });
const statements = async (work: () => Promise<unknown>) => {
  const before = database.statements();
  await work();
  return database.statements() - before;
};

describe("an event", () => {
  test("settles what is pending, once, whatever comes after it", async () => {
    const { paymentId, orderId } = await authorize(cardSuffering("authorize", "answer_lost"));
    const [operation] = await truth.operations(orderId);
    const id = newId();
    await send(operationEvent(operation ?? {}), { id });
    const settled = await get(paymentId);
    expect(settled).toMatchObject({
      state: PaymentState.PAYMENT_STATE_AUTHORIZED,
      pendingTransaction: false,
    });
    // Whether in the same delivery or in another: it finds nothing to do.
    expect(await statements(() => send(operationEvent(operation ?? {}), { id }))).toBe(1);
    expect(await statements(() => send(operationEvent(operation ?? {})))).toBe(1);
    await reconciler.round([settled.transactions[0]?.transactionId ?? ""], AbortSignal.timeout(5_000));
    expect(await get(paymentId)).toEqual(settled);
  });

  test("of a decline, a foreign transaction or an unknown type is taken", async () => {
    const { paymentId, transactions } = await authorize(cardSuffering("authorize", "request_lost"));
    const operation = { id: "x", status: "declined", decline_code: "lost_card" };
    const key = transactions[0]?.transactionId;
    await send(operationEvent({ ...operation, kind: "authorize", idempotency_key: key }, "declined"));
    expect((await get(paymentId)).state).toBe(PaymentState.PAYMENT_STATE_DECLINED);
    await send(operationEvent({ ...operation, idempotency_key: newId() }));
    await send(operationEvent({ ...operation, idempotency_key: "of another shop" }));
    await send(JSON.stringify({ type: "account.renamed" }));
  });

  test("that says otherwise than the books changes nothing and is logged", async () => {
    const payment = await authorize();
    const idempotency_key = payment.transactions[0]?.transactionId;
    await send(operationEvent({ id: "x", status: "failed", failure_code: "no", idempotency_key }, "failed"));
    expect(await get(payment.paymentId)).toEqual(payment);
    expect(logged.at(-1)).toMatchObject({
      level: "error",
      message: "the payment provider says otherwise than the books",
    });
  });

  test("is refused when its signature is wrong, for another content, too old or ahead", async () => {
    const payload = operationEvent({});
    const refused = { code: Code.UNAUTHENTICATED, reason: "SIGNATURE_INVALID" };
    const at = (minutes: number) => new Date(systemClock.now() + minutes * 60_000);
    const id = newId();
    const bad: Sent[] = [
      { signature: "v1,AAAA" },
      { signature: "nonsense" },
      { id, signature: signer.sign(id, at(0), `${payload} `) },
      { id, signature: signer.sign(newId(), at(0), payload) },
      { sentTime: at(-6) },
      { sentTime: at(6) },
    ];
    for (const sent of bad) expect(await failure(send(payload, sent))).toMatchObject(refused);
  });

  test("that is signed and no event of the provider is INVALID_ARGUMENT", async () => {
    for (const payload of [
      "{",
      "[]",
      "{}",
      operationEvent({}),
      operationEvent({ idempotency_key: newId() }),
    ]) {
      const error = await failure(send(payload));
      expect(error.code).toBe(Code.INVALID_ARGUMENT);
      expect(error.details.badRequest?.fieldViolations).toMatchObject([{ field: "payload" }]);
    }
  });

  test("of an authorization that has run out makes its hold due to be checked", async () => {
    await process.process().change({ authorizationLifetimeMs: 20 });
    const { paymentId, transactions } = await authorize();
    await process.process().change({ authorizationLifetimeMs: 600_000 });
    const authorization = transactions[0]?.providerReference;
    await expect
      .poll(async () => {
        await send(JSON.stringify({ type: "authorization.expired", data: { authorization } }));
        await reconciler.round([], AbortSignal.timeout(5_000));
        return (await get(paymentId)).state;
      })
      .toBe(PaymentState.PAYMENT_STATE_EXPIRED);
    const expired = JSON.stringify({ type: "authorization.expired", data: { authorization } });
    const id = newId();
    await send(expired, { id });
    expect(await statements(() => send(expired, { id }))).toBe(1);
  });
});

describe("webhooks", async () => {
  const receiver = await startWebhookReceiver({
    client: { receiveProviderEvent: (request) => client.receiveProviderEvent(request, nobody) },
    port: 0,
    log: { debug() {}, info() {}, warn() {}, error() {}, child: () => expect.fail("no child is needed") },
  });
  afterAll(() => receiver.stop());

  test("that come late, twice and out of order settle everything, beside reconciliation", async () => {
    await process.process().change({
      seed: 11,
      webhooks: { url: receiver.url, delayMs: { min: 0, max: 30 }, duplicateRate: 1 },
    });
    const run = async (kind: "capture" | "refund" | "void", reconciled: boolean) => {
      const { paymentId } = await authorize(cardSuffering(kind, "answer_lost"));
      if (kind !== "void") await capture(paymentId, { cents: 400n });
      const settled = async () => {
        const ids = reconciled ? fixture.unknown : [];
        await reconciler.round(ids, AbortSignal.timeout(5_000));
        return (await get(paymentId)).pendingTransaction;
      };
      await expect.poll(settled, { interval: 5 }).toBe(false);
      if (kind === "refund") await refund(paymentId, { cents: 300n });
      if (kind === "void") await cancel(paymentId);
      await expect.poll(settled, { interval: 5 }).toBe(false);
      const payment = await get(paymentId);
      expect(await truth.of(payment)).toEqual(truth.booksOf(payment));
    };
    const kinds = ["capture", "refund", "void"] as const;
    await Promise.all(kinds.flatMap((kind) => [run(kind, true), run(kind, false)]));
    await process.process().change({ webhooks: { url: "", duplicateRate: 0 } });
  });

  test("are answered so that the provider knows whether to send them again", async () => {
    const post = async (body: string, { path = "", method = "POST", headers = {} } = {}) => {
      const id = newId();
      const at = new Date(systemClock.now());
      const response = await fetch(`${receiver.url}${path}`, {
        method,
        ...(method === "POST" ? { body } : {}),
        headers: {
          "webhook-id": id,
          "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
          "webhook-signature": signer.sign(id, at, body),
          ...headers,
        },
      });
      return response.status;
    };
    expect(await post(JSON.stringify({ type: "account.renamed" }))).toBe(204);
    expect(await post("{}", { headers: { "webhook-signature": "v1,AAAA" } })).toBe(401);
    expect(await post("{}", { headers: { "webhook-timestamp": "soon" } })).toBe(401);
    expect(await post("{}", { headers: { "webhook-id": "" } })).toBe(400);
    expect(await post("{}")).toBe(400);
    expect(await post("x".repeat(70_000))).toBe(413);
    expect(await post("{}", { path: "/other" })).toBe(404);
    expect(await post("{}", { method: "GET" })).toBe(405);
  });

  test("that cannot be taken now are to come again", async () => {
    const away = await startWebhookReceiver({
      client: { receiveProviderEvent: () => Promise.reject(new Error("the shop is away")) },
      port: 0,
      log: { debug() {}, info() {}, warn() {}, error() {}, child: () => expect.fail("no child is needed") },
    });
    expect((await fetch(away.url, { method: "POST", body: "{}" })).status).toBe(503);
    await away.stop();
  });
});
