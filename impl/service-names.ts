// The services of the system by the names that settings have for them.
export const SERVICE_NAMES = [
  "user",
  "auth",
  "product",
  "inventory",
  "payment",
  "notification",
  "order",
  "support",
  "analytics",
  "registry",
  "gateway",
] as const;

export type ServiceName = (typeof SERVICE_NAMES)[number];
