// The validation rules of the schema, run by protovalidate as the servers run them: every CEL rule, and each kind of field rule,
// takes a good message and refuses a bad one with the path of the field and the id of the rule.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { create, createFileRegistry, fromBinary, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import { describe, expect, it } from "vitest";
import { isObject, type Rules, readContract } from "./contract.ts";

const image = readFileSync(join(import.meta.dirname, "gen/image.binpb"));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
const validator = createValidator({ registry });

/** "path: rule" of every violation; [] for a valid message. */
function violations(type: string, json: JsonValue): string[] {
  const desc = registry.getMessage(`ecommerce.v1.${type}`);
  if (desc === undefined) throw new Error(`there is no message ${type}`);
  const result = validator.validate(desc, fromJson(desc, json, { registry }));
  if (result.kind === "error") throw result.error;
  return (result.violations ?? []).map(({ field, ruleId }) => `${pathToString(field)}: ${ruleId}`);
}

interface Example {
  readonly type: string;
  readonly good: JsonValue;
  readonly bad: JsonValue;
  /** Path of the field that the violation names; "" for the message as a whole. */
  readonly path: string;
}

const id = "019ab3c5-7b1e-7c3a-9c3e-1a2b3c4d5e6f";
const other = "019ab3c5-7b1e-7c3a-9c3e-1a2b3c4d5e70";
const gbp = (units: string) => ({ currencyCode: "GBP", units });
const [early, late] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
const address = (label: string) => ({ label, addressLines: ["1 High St"], city: "York", countryCode: "GB" });
const manyPaths = Array.from({ length: 33 }, (_, n) => `f${n}`).join(",");
const line = (over: object = {}) => ({ productId: id, quantity: "1", ...over });
const order = (over: object = {}) => ({ userId: id, lines: [line()], paymentMethodToken: "tok", ...over });
const twice = (item: JsonValue) => [item, item];
const send = {
  channel: "NOTIFICATION_CHANNEL_EMAIL",
  category: 1,
  eventType: "order.confirmed",
  templateName: "a",
};
const template = { name: "a", channel: "NOTIFICATION_CHANNEL_EMAIL", body: "b" };
const returned = { lineNumber: 1, quantity: "1" };

const CEL: Readonly<Record<string, Example>> = {
  "adjust_stock.direction": {
    type: "AdjustStockRequest",
    good: { productId: id, requestId: id, delta: "-3", reason: "ADJUSTMENT_REASON_LOSS" },
    bad: { productId: id, requestId: id, delta: "3", reason: "ADJUSTMENT_REASON_LOSS" },
    path: "",
  },
  "batch_get_products.size": {
    type: "BatchGetProductsRequest",
    good: { skus: ["85123A"] },
    bad: {},
    path: "",
  },
  "batch_get_users.size": {
    type: "BatchGetUsersRequest",
    good: { emails: ["a@b.co"] },
    bad: {},
    path: "",
  },
  "bulk_order.payment_required": {
    type: "BulkOrder",
    good: { order: order() },
    bad: { order: order({ paymentMethodToken: "" }) },
    path: "",
  },
  "checkout.payment_once": {
    type: "CheckoutRequest",
    good: {
      order: order({ paymentMethodToken: "" }),
      payment: { paymentMethodToken: "tok" },
      requestId: id,
    },
    bad: { order: order(), payment: { paymentMethodToken: "tok" }, requestId: id },
    path: "",
  },
  "create_order.payment_required": {
    type: "CreateOrderRequest",
    good: { order: order(), requestId: id },
    bad: { order: order({ paymentMethodToken: "" }), requestId: id },
    path: "",
  },
  "create_product.name_required": {
    type: "CreateProductRequest",
    good: { product: { sku: "a", name: "b", price: gbp("1") } },
    bad: { product: { sku: "a", price: gbp("1") } },
    path: "",
  },
  "create_product.price_required": {
    type: "CreateProductRequest",
    good: { product: { sku: "a", name: "b", price: gbp("0") } },
    bad: { product: { sku: "a", name: "b" } },
    path: "",
  },
  "create_product.sku_required": {
    type: "CreateProductRequest",
    good: { product: { sku: "BANK CHARGES", name: "b", price: gbp("1") } },
    bad: { product: { name: "b", price: gbp("1") } },
    path: "",
  },
  "create_template.complete": {
    type: "CreateTemplateRequest",
    good: { template },
    bad: { template: { ...template, body: "" } },
    path: "",
  },
  "create_user.email_required": {
    type: "CreateUserRequest",
    good: { user: { email: "a@b.co" } },
    bad: { user: {} },
    path: "",
  },
  "create_webhook_endpoint.url_required": {
    type: "CreateWebhookEndpointRequest",
    good: { userId: id, endpoint: { url: "https://shop.example/hook" } },
    bad: { userId: id, endpoint: {} },
    path: "",
  },
  "dashboard.max_points": {
    type: "GetDashboardRequest",
    good: { startTime: early, endTime: late, step: "3600s" },
    bad: { startTime: early, endTime: late, step: "60s" },
    path: "",
  },
  "dashboard.time_order": {
    type: "GetDashboardRequest",
    good: { startTime: early, endTime: late },
    bad: { startTime: late, endTime: early },
    path: "",
  },
  "import_row.name_required": {
    type: "ImportProductRow",
    good: { product: { sku: "a", name: "b", price: gbp("1") } },
    bad: { product: { sku: "a", price: gbp("1") } },
    path: "",
  },
  "import_row.price_required": {
    type: "ImportProductRow",
    good: { product: { sku: "a", name: "b", price: gbp("1") } },
    bad: { product: { sku: "a", name: "b" } },
    path: "",
  },
  "import_row.sku_required": {
    type: "ImportProductRow",
    good: { product: { sku: "a", name: "b", price: gbp("1") } },
    bad: { product: { name: "b", price: gbp("1") } },
    path: "",
  },
  "list_orders.placed_time_order": {
    type: "ListOrdersRequest",
    good: { placedAfter: early, placedBefore: late },
    bad: { placedAfter: late, placedBefore: early },
    path: "",
  },
  "money.not_negative": {
    type: "Product",
    good: { price: gbp("0") },
    bad: { price: gbp("-1") },
    path: "price",
  },
  "money.positive": {
    type: "NewOrder",
    good: order({ lines: [line({ unitPrice: { currencyCode: "GBP", nanos: 10_000_000 } })] }),
    bad: order({ lines: [line(), line({ unitPrice: gbp("0") })] }),
    path: "lines[1].unit_price",
  },
  "new_order.buyer_required": {
    type: "NewOrder",
    good: { ...order({ userId: "" }), guest: {} },
    bad: order({ userId: "" }),
    path: "",
  },
  "new_order.one_currency": {
    type: "NewOrder",
    good: order({ lines: [line({ unitPrice: gbp("1") }), line(), line({ unitPrice: gbp("2") })] }),
    bad: order({
      lines: [line({ unitPrice: gbp("1") }), line({ unitPrice: { ...gbp("1"), currencyCode: "EUR" } })],
    }),
    path: "",
  },
  "preferences.categories_unique": {
    type: "NotificationPreferences",
    good: { userId: id, categories: [{ category: 1 }, { category: 2 }] },
    bad: { userId: id, categories: twice({ category: 1 }) },
    path: "categories",
  },
  "price_range.bound_required": { type: "PriceRange", good: { min: gbp("1") }, bad: {}, path: "" },
  "price_range.min_not_above_max": {
    type: "PriceRange",
    good: { min: gbp("2"), max: { ...gbp("2"), nanos: 10_000_000 } },
    bad: { min: { ...gbp("2"), nanos: 10_000_000 }, max: gbp("2") },
    path: "",
  },
  "price_range.same_currency": {
    type: "PriceRange",
    good: { min: gbp("1"), max: gbp("1") },
    bad: { min: gbp("1"), max: { currencyCode: "EUR", units: "2" } },
    path: "",
  },
  "profile.address_labels_unique": {
    type: "UserProfile",
    good: { addresses: [address("home"), address("work")] },
    bad: { addresses: twice(address("home")) },
    path: "addresses",
  },
  "read_mask.max_paths": {
    type: "GetUserRequest",
    good: { userId: id, readMask: "email,profile.phone" },
    bad: { userId: id, readMask: manyPaths },
    path: "read_mask",
  },
  "refund.lines_unique": {
    type: "RefundOrderRequest",
    good: { orderId: id, requestId: id, lines: [returned, { ...returned, lineNumber: 2 }] },
    bad: { orderId: id, requestId: id, lines: twice(returned) },
    path: "lines",
  },
  "report_rpc_figures.time_order": {
    type: "ReportRpcFiguresRequest",
    good: { instanceId: "a", startTime: early, endTime: late },
    bad: { instanceId: "a", startTime: late, endTime: early },
    path: "",
  },
  "return.lines_unique": {
    type: "RequestReturnRequest",
    good: { orderId: id, lines: [returned] },
    bad: { orderId: id, lines: twice(returned) },
    path: "lines",
  },
  "search.attribute_names_unique": {
    type: "SearchProductsRequest",
    good: { attributes: [{ name: "colour", values: ["red", "blue"] }] },
    bad: { attributes: twice({ name: "colour", values: ["red"] }) },
    path: "attributes",
  },
  "send_notification.receiver_required": {
    type: "SendNotificationRequest",
    good: { ...send, email: "a@b.co" },
    bad: send,
    path: "",
  },
  "stock_items.products_unique": {
    type: "ReserveStockRequest",
    good: {
      orderId: id,
      requestId: id,
      items: [
        { productId: id, quantity: "1" },
        { productId: other, quantity: "1" },
      ],
    },
    bad: { orderId: id, requestId: id, items: twice({ productId: id, quantity: "1" }) },
    path: "items",
  },
  "stream_metrics.dimension_product": {
    type: "StreamMetricsRequest",
    good: { metrics: ["METRIC_UNITS"], dimensions: ["DIMENSION_PRODUCT"], window: { size: "60s" } },
    bad: { metrics: ["METRIC_ORDERS"], dimensions: ["DIMENSION_PRODUCT"], window: { size: "60s" } },
    path: "",
  },
  "update_mask.max_paths": {
    type: "UpdateUserRequest",
    good: { user: { userId: id }, updateMask: "profile.phone" },
    bad: { user: { userId: id }, updateMask: manyPaths.replaceAll("f", "profile.f") },
    path: "update_mask",
  },
  "update_product.name_required": {
    type: "UpdateProductRequest",
    good: { product: { productId: id }, updateMask: "description" },
    bad: { product: { productId: id }, updateMask: "name" },
    path: "",
  },
  "update_product.price_required": {
    type: "UpdateProductRequest",
    good: { product: { productId: id } },
    bad: { product: { productId: id }, updateMask: "price" },
    path: "",
  },
  "update_product.product_id_required": {
    type: "UpdateProductRequest",
    good: { product: { productId: id, name: "a" } },
    bad: { product: { name: "a" } },
    path: "",
  },
  "update_template.template_id_required": {
    type: "UpdateTemplateRequest",
    good: { template: { templateId: id } },
    bad: { template: { subject: "a" } },
    path: "",
  },
  "update_user.email_required": {
    type: "UpdateUserRequest",
    good: { user: { userId: id }, updateMask: "profile" },
    bad: { user: { userId: id }, updateMask: "*" },
    path: "",
  },
  "update_user.user_id_required": {
    type: "UpdateUserRequest",
    good: { user: { userId: id } },
    bad: { user: { email: "a@b.co" } },
    path: "",
  },
  "update_webhook_endpoint.endpoint_id_required": {
    type: "UpdateWebhookEndpointRequest",
    good: { endpoint: { endpointId: id } },
    bad: { endpoint: { disabled: true } },
    path: "",
  },
  "user_filter.create_time_order": {
    type: "UserFilter",
    good: { createdAfter: early, createdBefore: late },
    bad: { createdAfter: late, createdBefore: early },
    path: "",
  },
  "window.slide_within_size": {
    type: "Window",
    good: { size: "60s", slide: "5s" },
    bad: { size: "60s", slide: "61s" },
    path: "",
  },
};

/** One of each kind of field rule: [rule, message, good, bad, path]. */
const FIELDS: readonly (readonly [string, string, JsonValue, JsonValue, string])[] = [
  ["required", "CreateUserRequest", { user: { email: "a@b.co" } }, {}, "user"],
  ["required", "ImportProductsRequest", { row: {} }, {}, "part"],
  ["string.uuid", "GetProductRequest", { productId: id }, { productId: "7" }, "product_id"],
  ["string.uuid_empty", "GetProductRequest", { productId: id }, {}, "product_id"],
  ["string.email", "User", { email: "a@b.co" }, { email: "a@" }, "email"],
  [
    "string.min_len",
    "CreateUserRequest",
    { user: { email: "a@b.co" } },
    { user: { email: "a@b.co" }, password: "short" },
    "password",
  ],
  [
    "string.max_len",
    "SearchProductsRequest",
    { query: "x".repeat(200) },
    { query: "x".repeat(201) },
    "query",
  ],
  ["string.pattern", "Product", { sku: "BANK CHARGES" }, { sku: " M" }, "sku"],
  ["string.pattern", "Product", { category: "home/t-lights" }, { category: "Home" }, "category"],
  ["string.prefix", "WebhookEndpoint", { url: "https://a.example/" }, { url: "http://a.example/" }, "url"],
  ["bytes.len", "ImageHeader", imageHeader(32), imageHeader(31), "sha256"],
  ["bytes.max_len", "UploadProductImageRequest", { chunk: base64(65536) }, { chunk: base64(65537) }, "chunk"],
  ["int32.gte", "SearchProductsRequest", { pageSize: 0 }, { pageSize: -1 }, "page_size"],
  ["int64.gte_lte", "NewOrderLine", line(), line({ quantity: "0" }), "quantity"],
  ["int64.not_in", "AdjustStockRequest", adjust("1"), adjust("0"), "delta"],
  ["enum.defined_only", "SearchProductsRequest", { order: 5 }, { order: 99 }, "order"],
  ["enum.not_in", "SearchProductsRequest", { facets: [1] }, { facets: [0] }, "facets[0]"],
  ["enum.in", "SetPresence", { presence: 2 }, { presence: 3 }, "presence"],
  ["repeated.min_items", "NewOrder", order(), order({ lines: [] }), "lines"],
  [
    "repeated.max_items",
    "NewOrder",
    order({ lines: Array(600).fill(line()) }),
    order({ lines: Array(1001).fill(line()) }),
    "lines",
  ],
  ["repeated.unique", "BatchGetUsersRequest", { userIds: [id, other] }, { userIds: [id, id] }, "user_ids"],
  ["map.max_pairs", "Product", { attributes: pairs(32) }, { attributes: pairs(33) }, "attributes"],
  ["string.pattern", "Product", { attributes: { a_1: "x" } }, { attributes: { A: "x" } }, 'attributes["A"]'],
  [
    "duration.gte_lte",
    "TrackOrderRequest",
    { orderId: id, heartbeatInterval: "1s" },
    { orderId: id, heartbeatInterval: "0.5s" },
    "heartbeat_interval",
  ],
  [
    "timestamp.lt_now",
    "NewOrder",
    order({ placedTime: early }),
    order({ placedTime: "2999-01-01T00:00:00Z" }),
    "placed_time",
  ],
  [
    "timestamp.gt_now",
    "CreateApiKeyRequest",
    apiKey("2999-01-01T00:00:00Z"),
    apiKey("2020-01-01T00:00:00Z"),
    "expire_time",
  ],
  [
    "field_mask.in",
    "UpdateProductRequest",
    { product: { productId: id }, updateMask: "category" },
    { product: { productId: id }, updateMask: "sku" },
    "update_mask",
  ],
  [
    "string.in",
    "ImageHeader",
    imageHeader(32),
    { ...imageHeader(32), contentType: "text/html" },
    "content_type",
  ],
];

function base64(length: number): string {
  return Buffer.alloc(length).toString("base64");
}

function imageHeader(hashLength: number) {
  return { productId: id, contentType: "image/png", sizeBytes: "1", sha256: base64(hashLength) };
}

function adjust(delta: string) {
  return { productId: id, requestId: id, reason: "ADJUSTMENT_REASON_COUNT", delta };
}

function pairs(count: number) {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`a${n}`, "x"]));
}

function apiKey(expireTime: string) {
  return { userId: id, displayName: "a", scopes: ["orders.read"], expireTime };
}

describe("a CEL rule", () => {
  it.each(Object.entries(CEL))("%s takes a good message and refuses a bad one", (rule, example) => {
    expect(violations(example.type, example.good)).toEqual([]);
    expect(violations(example.type, example.bad)).toEqual([`${example.path}: ${rule}`]);
  });

  it("has an example here, whichever it is", () => {
    const contract = readContract(image);
    const ids = (rules: Rules): string[] =>
      (Array.isArray(rules.cel) ? rules.cel : []).map((rule) => (isObject(rule) ? String(rule.id) : ""));
    const declared = [...contract.messages.values()].flatMap((message) => [
      ...ids(message.rules),
      ...message.fields.flatMap((field) => ids(field.rules)),
    ]);
    expect([...new Set(declared)].toSorted()).toEqual(Object.keys(CEL).toSorted());
  });
});

describe("a field rule", () => {
  it.each(FIELDS)("%s of %s takes a good message and refuses a bad one", (rule, type, good, bad, path) => {
    expect(violations(type, good)).toEqual([]);
    expect(violations(type, bad)).toEqual([`${path}: ${rule}`]);
  });

  it("leaves the rows of an import and the orders of a bulk job to the service", () => {
    expect(violations("ImportProductsRequest", { row: { product: { sku: " " } } })).toEqual([]);
    expect(violations("ProcessBulkOrdersRequest", { order: { position: "-1" } })).toEqual([]);
  });

  it("compiles for every message of the contract", () => {
    for (const { name } of readContract(image).messages.values()) {
      const desc = registry.getMessage(name);
      if (desc === undefined) throw new Error(`there is no message ${name}`);
      expect(validator.validate(desc, create(desc)).kind, name).not.toBe("error");
    }
  });
});
