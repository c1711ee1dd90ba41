// Claim: what belongs to a customer is given to that customer and to those with the permission, and is NOT_FOUND for every other customer,
// for each method whose owner is known only by the resource.
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { v7 as uuidV7 } from "uuid";
import { afterAll, expect, test } from "vitest";
import { callMethod } from "#harness/contract/call-method.ts";
import type { ContractMethod } from "#harness/contract/contract.ts";
import { messageMaker } from "#harness/contract/valid-messages.ts";
import { Code } from "#proto/google/rpc/code.ts";
import { sharedShop } from "../shared-shop.ts";

const { contract, known, issuer, token: administrator, connect } = sharedShop;
const maker = messageMaker(contract, known);
const connection = await connect();
afterAll(() => connection.close());

/** What is made ends its call; how soon is not the claim. */
const MAKING_MS = 15_000;

const [strangerId = ""] = known.userId ?? [];
const [productId = ""] = known.productId ?? [];
// Has every role, which only its keys make use of: its token has no permission.
const user = { email: `owner-${uuidV7()}@example.com`, roles: ["administrator"] };
const ownerId = await made("UserService/CreateUser", { user }, administrator, "user.userId");
const owner = await issuer.issue({ subject: ownerId, permissions: [] });
const stranger = await issuer.issue({ subject: strangerId, permissions: [] });
const CARD = { cardNumber: "4242424242424242", expiryMonth: 12, expiryYear: 2099, cvc: "123" };

const KEY_SCOPE = "notifications.send";

type Json = Readonly<Record<string, unknown>>;
interface Outcome {
  readonly status: number | undefined;
  readonly message: string;
  /** Of the first answer; empty without one. */
  readonly answer: Json;
}

function methodOf(name: string): ContractMethod {
  const found = contract.methods.find(({ path }) => path === `/ecommerce.v1.${name}`);
  if (found === undefined) throw new Error(`${name} is not in the contract`);
  return found;
}

/** `patienceMs`: how long a stream that does not end is read. */
async function call(
  name: string,
  requests: Json | readonly Json[],
  token: string,
  patienceMs?: number,
): Promise<Outcome> {
  const method = methodOf(name);
  const { status, message, answers } = await callMethod(connection, {
    method,
    messages: [requests].flat().map((json) => maker.encode(method.input, json)),
    metadata: [["authorization", `Bearer ${token}`]],
    ...(patienceMs === undefined ? {} : { patienceMs }),
  });
  const [first] = answers;
  const answer =
    first === undefined
      ? {}
      : (toJson(method.output, fromBinary(method.output, first), { registry: contract.registry }) as Json);
  return { status, message, answer };
}

/** The value at a dotted path of the answer, of a call that must go well. */
async function made(
  name: string,
  requests: Json | readonly Json[],
  token: string,
  path: string,
): Promise<string> {
  const { status, message, answer } = await call(name, requests, token, MAKING_MS);
  if (status !== Code.OK) throw new Error(`${name}: ${status} ${message}`);
  const value = path.split(".").reduce<unknown>((at, key) => (at as Json | undefined)?.[key], answer);
  if (typeof value !== "string" || value === "") throw new Error(`${name}: no ${path}`);
  return value;
}

async function newOrder(): Promise<Json> {
  const card = { card: { ...CARD, holderName: "A Customer" } };
  const path = "paymentMethodToken";
  const paymentMethodToken = await made("PaymentService/CreatePaymentMethod", card, owner, path);
  const shippingAddress = { addressLines: ["1 High Street"], city: "London", countryCode: "GB" };
  return { userId: ownerId, lines: [{ productId, quantity: "1" }], shippingAddress, paymentMethodToken };
}

/** Processed as far as it goes: it has its payment then. */
async function anOrder(path = "order.orderId"): Promise<string> {
  const request = { order: await newOrder(), requestId: uuidV7(), wait: "4s" };
  return made("OrderService/CreateOrder", request, owner, path);
}

async function aDeliveredOrder(): Promise<string> {
  const orderId = await anOrder();
  const shipment = { carrier: "post", trackingNumber: "1" };
  await made(
    "OrderService/ShipOrder",
    { orderId, shipment, requestId: uuidV7() },
    administrator,
    "order.orderId",
  );
  await made("OrderService/DeliverOrder", { orderId, requestId: uuidV7() }, administrator, "order.orderId");
  return orderId;
}

const aRoom = () => {
  const request = { customerUserId: ownerId, subject: "a", text: "a", requestId: uuidV7() };
  return made("SupportService/CreateRoom", request, owner, "room.roomId");
};

async function aClosedRoom(): Promise<string> {
  const roomId = await aRoom();
  return made("SupportService/CloseRoom", { roomId }, administrator, "room.roomId");
}

const anEndpoint = () => {
  const endpoint = { url: "https://example.com/hook", eventTypes: ["order.*"] };
  const request = { userId: ownerId, endpoint };
  return made("NotificationService/CreateWebhookEndpoint", request, owner, "endpoint.endpointId");
};

const aKey = () => {
  const request = { userId: ownerId, displayName: "a", scopes: [KEY_SCOPE] };
  return made("AuthService/CreateApiKey", request, administrator, "apiKey.apiKeyId");
};

async function aNotification(): Promise<string> {
  const name = `owned-${uuidV7()}`;
  const template = { name, channel: "NOTIFICATION_CHANNEL_IN_APP", subject: "a", body: "a" };
  await made("NotificationService/CreateTemplate", { template }, administrator, "template.name");
  const request = {
    userId: ownerId,
    channel: "NOTIFICATION_CHANNEL_IN_APP",
    category: "NOTIFICATION_CATEGORY_TRANSACTION",
    eventType: "order.placed",
    templateName: name,
  };
  return made(
    "NotificationService/SendNotification",
    request,
    administrator,
    "notifications.0.notificationId",
  );
}

async function aBulkJob(): Promise<string> {
  const permitted = await issuer.issue({ subject: ownerId, permissions: ["orders.write"] });
  const header = { header: { requestId: uuidV7(), atomicity: "BULK_ATOMICITY_PER_ORDER" } };
  const order = { order: { position: "0", order: await newOrder() } };
  return made("OrderService/ProcessBulkOrders", [header, order], permitted, "job.jobId");
}

/** A request for something new of the owner's. */
const REQUESTS: Readonly<Record<string, () => Promise<Json>>> = {
  "AuthService/RotateApiKey": async () => ({ apiKeyId: await aKey() }),
  "AuthService/RevokeApiKey": async () => ({ apiKeyId: await aKey() }),
  "GatewayService/GetOrderWithDetails": async () => ({ orderId: await anOrder() }),
  "NotificationService/GetNotification": async () => ({ notificationId: await aNotification() }),
  "NotificationService/GetWebhookEndpoint": async () => ({ endpointId: await anEndpoint() }),
  "NotificationService/UpdateWebhookEndpoint": async () => ({
    endpoint: { endpointId: await anEndpoint(), displayName: "b" },
    updateMask: "displayName",
  }),
  "NotificationService/DeleteWebhookEndpoint": async () => ({ endpointId: await anEndpoint() }),
  "NotificationService/RotateWebhookSecret": async () => ({ endpointId: await anEndpoint() }),
  "OrderService/GetOrder": async () => ({ orderId: await anOrder() }),
  "OrderService/CancelOrder": async () => ({ orderId: await anOrder(), requestId: uuidV7() }),
  "OrderService/RequestReturn": async () => ({
    orderId: await aDeliveredOrder(),
    lines: [{ lineNumber: 1, quantity: "1" }],
    requestId: uuidV7(),
  }),
  "OrderService/TrackOrder": async () => ({ orderId: await anOrder() }),
  "OrderService/WatchBulkJob": async () => ({ jobId: await aBulkJob() }),
  "PaymentService/GetPayment": async () => ({ paymentId: await anOrder("order.paymentId") }),
  "SupportService/GetRoom": async () => ({ roomId: await aRoom() }),
  "SupportService/CloseRoom": async () => ({ roomId: await aRoom() }),
  "SupportService/ReopenRoom": async () => ({ roomId: await aClosedRoom() }),
  "SupportService/ListMessages": async () => ({ roomId: await aRoom() }),
};

test("every method with such an owner is tried", () => {
  const owned = contract.methods.filter(({ policy }) => policy.access?.owner?.resource === true);
  expect(owned.map(({ path }) => path.replace("/ecommerce.v1.", "")).sort()).toEqual(
    Object.keys(REQUESTS).sort(),
  );
});

test.each(Object.entries(REQUESTS))("%s", async (name, request) => {
  const { permissions = [] } = methodOf(name).policy.access ?? {};
  // Who rotates a key must have what the key has.
  const permitted = await issuer.issue({ subject: strangerId, permissions: [...permissions, KEY_SCOPE] });
  const [theirs, another] = await Promise.all([request(), request()]);
  expect(await call(name, theirs, stranger)).toMatchObject({ status: Code.NOT_FOUND });
  // A stream is left while it goes on.
  expect([Code.OK, undefined]).toContain((await call(name, theirs, owner)).status);
  expect([Code.OK, undefined]).toContain((await call(name, another, permitted)).status);
});
