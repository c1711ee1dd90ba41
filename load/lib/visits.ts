// What visitors of the shop do, one function each.
import grpc, { type Client } from "k6/net/grpc";
import { setTimeout } from "k6/timers";
import { anyOf, anyProduct, as, call, connect, disconnect, shop, uuid } from "./shop.ts";

/** Looks at a few products. */
export async function browse(client: Client): Promise<void> {
  for (let i = 0; i < 3; i++) await call(client, "ProductService/GetProduct", { productId: anyProduct() });
}

/** Looks for something, and at the second page of one in four. */
export async function search(client: Client): Promise<void> {
  const request = { query: anyOf(shop.terms) ?? "", pageSize: 40 };
  const { message } = await call(client, "ProductService/SearchProducts", request);
  const { nextPageToken } = message as { nextPageToken?: string };
  if (!nextPageToken || Math.random() > 0.25) return;
  await call(client, "ProductService/SearchProducts", { ...request, pageToken: nextPageToken });
}

const CARD = {
  cardNumber: "4242424242424242",
  expiryMonth: 12,
  expiryYear: 2099,
  cvc: "123",
  holderName: "A Customer",
};

/** Buys one to three products as a guest. The id of the order; undefined when it was not taken. */
export async function checkout(client: Client): Promise<string | undefined> {
  const method = await call(client, "PaymentService/CreatePaymentMethod", { card: CARD });
  const { paymentMethodToken } = method.message as { paymentMethodToken?: string };
  const ids = new Set(Array.from({ length: 1 + Math.floor(Math.random() * 3) }, anyProduct));
  const order = {
    guest: { email: "", fullName: "" },
    lines: [...ids].map((productId) => ({ productId, quantity: "1" })),
    charges: { items: [] },
    paymentMethodToken,
  };
  const created = await call(client, "OrderService/CreateOrder", { order, requestId: uuid() });
  return (created.message as { order?: { orderId: string } }).order?.orderId;
}

const UNDER_WAY = [
  "ORDER_STATUS_PENDING",
  "ORDER_STATUS_RESERVING",
  "ORDER_STATUS_AUTHORIZING",
  "ORDER_STATUS_CONFIRMED",
  "ORDER_STATUS_CAPTURING",
];

interface TrackMessage {
  readonly update?: { readonly order?: { readonly status: string } };
}

/**
 * Follows an order until it has been processed. Resolves with the number of updates; 0 when the stream failed. Takes a client of its own:
 * the only way for a script to leave a stream that has no end is to close the connection.
 */
export function track(client: Client, orderId: string): Promise<number> {
  connect(client);
  return new Promise((resolve) => {
    const stream = new grpc.Stream(client, "ecommerce.v1.OrderService/TrackOrder", {
      ...as(shop.token),
      tags: { kind: "stream" },
      timeout: "10s",
    });
    let updates = 0;
    let processed = false;
    stream.on("data", (data) => {
      const status = (data as TrackMessage).update?.order?.status;
      if (status === undefined || processed) return;
      updates++;
      processed = !UNDER_WAY.includes(status);
      if (processed) disconnect(client);
    });
    stream.on("end", () => resolve(processed ? updates : 0));
    stream.write({ orderId });
    stream.end();
  });
}

interface ChatMessage {
  readonly joined?: object;
  readonly stored?: { readonly clientMessageId?: string };
  readonly error?: object;
}

/** Opens a room, says a few things, and waits until each is stored. Resolves with how many were. */
export async function chat(client: Client, sentences: number): Promise<number> {
  const customer = anyOf(shop.customers);
  if (customer === undefined) return 0;
  const opened = await call(
    client,
    "SupportService/CreateRoom",
    { customerUserId: customer.id, subject: "A question", requestId: uuid() },
    as(customer.token),
  );
  const roomId = (opened.message as { room?: { roomId: string } }).room?.roomId;
  if (roomId === undefined) return 0;
  return new Promise((resolve) => {
    const stream = new grpc.Stream(client, "ecommerce.v1.SupportService/ChatWithSupport", {
      ...as(customer.token),
      tags: { kind: "stream" },
      timeout: "30s",
    });
    let stored = 0;
    const say = (): void =>
      stream.write({ send: { roomId, clientMessageId: uuid(), text: `Sentence ${stored + 1}` } });
    stream.on("data", (data) => {
      const message = data as ChatMessage;
      if (message.joined !== undefined) say();
      if (message.error !== undefined) stream.end();
      if (message.stored === undefined) return;
      stored++;
      if (stored < sentences) setTimeout(say, 20);
      else stream.end();
    });
    stream.on("end", () => resolve(stored));
    stream.write({ join: { roomId } });
  });
}
