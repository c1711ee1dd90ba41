// The provider over HTTP: one request for each call, no repeats, a timeout. Invariant: only an answer that speaks of the operation itself is an
// outcome. A refused connection, a 500, a 503 and a timeout are all the same here: a repeat under the same key costs nothing, and a guess
// could cost money.
import type { CardDetails } from "#proto/ecommerce/v1/payment.ts";
import { cardOf, type Json, member, outcomeOf, parseJson, text, timeOf } from "./provider-json.ts";
import type { PaymentProvider, ProviderOperation, Refusal, Unknown } from "./provider-port.ts";

export interface HttpProviderOptions {
  /** "https://host:port". */
  readonly url: string;
  /** The shop's account. */
  readonly apiKey: string;
  /** How long the provider may take. Default 8 s. */
  readonly timeoutMs?: number;
}

interface Answer {
  readonly status: number;
  readonly json: Json;
}

/** Throws a TypeError or RangeError on an invalid option. */
export function createHttpProvider({ url, apiKey, timeoutMs = 8_000 }: HttpProviderOptions): PaymentProvider {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new TypeError(`payment provider url "${url}": must be an http or https URL`);
  }
  if (!(timeoutMs > 0)) throw new RangeError(`payment provider timeoutMs ${timeoutMs}: must be above 0`);
  const base = url.replace(/\/$/, "");
  const authorization = `Bearer ${apiKey}`;

  const send = async (path: string, signal: AbortSignal | undefined, init: RequestInit): Promise<Answer> => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const response = await fetch(`${base}${path}`, {
      ...init,
      headers: { ...init.headers, authorization },
      redirect: "error",
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    return { status: response.status, json: parseJson(await response.text()) };
  };
  const get = (path: string, signal: AbortSignal | undefined) => send(path, signal, {});
  const post = (path: string, key: string, body: object, signal: AbortSignal | undefined) =>
    send(path, signal, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify(body),
    });

  return {
    tokenize: (card, key, signal) =>
      orUnknown(async () => {
        const answer = await post("/v1/tokens", key, { card: cardBody(card) }, signal);
        const { status, json } = answer;
        if (status === 409 && errorCode(json) === "idempotency_key_reused") return { kind: "other_card" };
        if (status !== 200) return refusalOf(answer);
        const token = text(json, "token");
        return { kind: "token", token, card: cardOf(json), expireTime: timeOf(json, "expires_at") };
      }),
    execute: (operation, signal) =>
      orUnknown(async () => {
        const { path, body } = requestOf(operation);
        const answer = await post(
          path,
          operation.key,
          { ...body, merchant_reference: operation.key },
          signal,
        );
        if (answer.status === 200) return outcomeOf(member(answer.json, "operation"));
        return refusalOf(answer);
      }),
    find: (key, signal) =>
      orUnknown(async () => {
        const answer = await get(`/v1/operations?idempotency_key=${encodeURIComponent(key)}`, signal);
        const { operations } = answer.json;
        if (answer.status !== 200 || !Array.isArray(operations)) throw new UnexpectedStatus(answer);
        return operations.length === 0 ? { kind: "not_found" } : outcomeOf(operations[0]);
      }),
    holdOf: (reference, signal) =>
      orUnknown(async () => {
        const answer = await get(`/v1/authorizations/${encodeURIComponent(reference)}`, signal);
        if (answer.status !== 200) throw new UnexpectedStatus(answer);
        const status = text(answer.json, "status");
        return { kind: status === "held" || status === "expired" ? status : "released" };
      }),
  };
}

function cardBody({ cardNumber, expiryMonth, expiryYear, cvc, holderName }: CardDetails) {
  return { number: cardNumber, exp_month: expiryMonth, exp_year: expiryYear, cvc, name: holderName };
}

function requestOf(operation: ProviderOperation): { readonly path: string; readonly body: object } {
  if (operation.kind === "authorize") {
    const { token, amount, orderId } = operation;
    return {
      path: "/v1/authorizations",
      body: {
        token,
        amount: amount.minorUnits.toString(),
        currency: amount.currency,
        order_reference: orderId,
      },
    };
  }
  const authorization = `/v1/authorizations/${encodeURIComponent(operation.authorization)}`;
  switch (operation.kind) {
    case "capture":
      return {
        path: `${authorization}/captures`,
        body: { amount: operation.amount.toString(), final: operation.final },
      };
    case "void":
      return { path: `${authorization}/void`, body: {} };
    case "refund":
      return { path: `${authorization}/refunds`, body: { amount: operation.amount.toString() } };
  }
}

/** The statuses with which the provider refuses a request for good: it has not done it, and does not do it when it is repeated. */
const REFUSALS: ReadonlySet<number> = new Set([400, 402, 404, 422]);

function refusalOf(answer: Answer): Refusal {
  const { status, json } = answer;
  if (!REFUSALS.has(status)) throw new UnexpectedStatus(answer);
  if (json.operation !== undefined) {
    const outcome = outcomeOf(member(json, "operation"));
    if (outcome.kind === "succeeded") throw new UnexpectedStatus(answer);
    return outcome;
  }
  if (status === 402) return { kind: "declined", reference: "", declineCode: text(json, "decline_code") };
  return { kind: "failed", reference: "", failureCode: text(member(json, "error"), "code") };
}

function errorCode({ error }: Json): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

/** A status that says nothing of the operation: a fault of the provider's, or a key that is in use. */
class UnexpectedStatus extends Error {
  constructor({ status, json }: Answer) {
    super(`the payment provider answered ${status} ${errorCode(json)}`.trimEnd());
    this.name = "UnexpectedStatus";
  }
}

async function orUnknown<T>(work: () => Promise<T>): Promise<T | Unknown> {
  try {
    return await work();
  } catch (error) {
    return { kind: "unknown", cause: error instanceof Error ? error : new Error(String(error)) };
  }
}
