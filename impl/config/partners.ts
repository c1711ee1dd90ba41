// Payment, mail and the webhooks of customers.
import { integer, optional, text } from "./setting.ts";

export const partners = {
  PAYMENT_PROVIDER_URL: optional(
    "Payment provider: http://host:port. Without it a simulated one, a process of its own that keeps its journal in DATA_DIR.",
  ),
  PAYMENT_PROVIDER_API_KEY: optional(
    "Key of the shop's account at the provider. Goes with PAYMENT_PROVIDER_URL.",
  ),
  PAYMENT_PROVIDER_TIMEOUT_MS: integer(
    "How long the provider may take; after it the outcome is unknown and reconciled.",
    5_000,
    100,
    60_000,
  ),
  PAYMENT_WEBHOOK_SECRET: optional(
    "Secret with which the provider signs its webhooks (whsec_...). Goes with PAYMENT_PROVIDER_URL.",
  ),
  PAYMENT_WEBHOOK_PORT: integer(
    "Port of the provider's webhooks over HTTP; 0 is any free one.",
    0,
    0,
    65_535,
  ),
  SMTP_URL: optional("Mail server: smtp://user:password@host:port. Without it e-mail waits in the queue."),
  SMTP_FROM: text("Sender of e-mail.", "shop@example.com"),
  WEBHOOK_ALLOWED_NETWORKS: text(
    "Private networks that webhooks may be posted to, comma separated, such as 10.0.0.0/8. Public ones always may.",
    "",
  ),
};
