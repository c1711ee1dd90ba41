// Roles are sets of permissions, and nothing else: no code asks for a role. An administrator is a role with many permissions, not an exception.
// A customer has none: what is its own it may use by the owner rules of the methods.

const CATALOGUE = ["products.write"];
const STOCK = ["inventory.read", "inventory.write"];
const SUPPORT = [
  "support.agent",
  "orders.read",
  "users.read",
  "payments.read",
  "notifications.read",
  "notifications.send",
];
const FULFILMENT = ["orders.read", "orders.fulfil", "inventory.read"];
const SERVICE = [
  "auth.verify",
  "auth.accounts",
  "inventory.read",
  "inventory.write",
  "inventory.reserve",
  "payments.write",
  "payments.read",
  "orders.write",
  "orders.read",
  "users.read",
  "notifications.send",
  "notifications.read",
  "analytics.read",
  "analytics.write",
  "registry.read",
  "registry.write",
];
const ADMINISTRATION = [
  "users.write",
  "users.assign_roles",
  "api_keys.read",
  "api_keys.write",
  "orders.refund",
  "orders.override_price",
  "notifications.manage",
  "webhooks.read",
  "webhooks.write",
  "analytics.read",
];

/** The permissions of each role. */
export const ROLES = {
  customer: [],
  catalogue_manager: CATALOGUE,
  stock_manager: STOCK,
  fulfilment: FULFILMENT,
  support_agent: SUPPORT,
  service: SERVICE,
  administrator: [
    ...new Set([...CATALOGUE, ...STOCK, ...FULFILMENT, ...SUPPORT, ...SERVICE, ...ADMINISTRATION]),
  ],
} as const satisfies Record<string, readonly string[]>;

export type Role = keyof typeof ROLES;

export const KNOWN_ROLES: ReadonlySet<string> = new Set(Object.keys(ROLES));

/** What the roles allow together; an unknown one allows nothing. */
export function permissionsOf(roles: readonly string[]): string[] {
  const known = Object.entries(ROLES).filter(([role]) => roles.includes(role));
  return [...new Set(known.flatMap(([, permissions]) => [...permissions]))].sort();
}
