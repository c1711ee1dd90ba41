// The services of the system on one database: migrated, made, and with what they do in the background.

import { analyticsPart } from "./parts/analytics-part.ts";
import { authPart } from "./parts/auth-part.ts";
import { gatewayPart } from "./parts/gateway-part.ts";
import { inventoryPart } from "./parts/inventory-part.ts";
import { notificationPart } from "./parts/notification-part.ts";
import { orderPart } from "./parts/order-part.ts";
import type { MakePart, Part, PartContext, Stoppable } from "./parts/part.ts";
import { paymentPart } from "./parts/payment-part.ts";
import { productPart } from "./parts/product-part.ts";
import { registryPart } from "./parts/registry-part.ts";
import { supportPart } from "./parts/support-part.ts";
import { userPart } from "./parts/user-part.ts";
import type { ServiceImplementation } from "./runtime/service.ts";
import { SERVICE_NAMES, type ServiceName } from "./service-names.ts";

/** By the names that SERVICES knows. */
const PARTS: Readonly<Record<ServiceName, MakePart>> = {
  user: userPart,
  auth: authPart,
  product: productPart,
  inventory: inventoryPart,
  payment: paymentPart,
  notification: notificationPart,
  order: orderPart,
  support: supportPart,
  registry: registryPart,
  analytics: analyticsPart,
  gateway: gatewayPart,
};

export interface Services {
  readonly implementations: readonly ServiceImplementation[];
  /** The services that serve, each with the names of the health checks it depends on. */
  readonly dependencies: Readonly<Record<string, readonly string[]>>;
  /** Begins their work in the background; to be called once they can be reached. */
  startWork(): Stoppable;
}

export async function createServices(context: PartContext): Promise<Services> {
  const parts: Part[] = [];
  // One after another: of a start that fails, the first cause is the one that is told.
  for (const make of wanted(context.config.SERVICES)) parts.push(await make(context));
  return {
    implementations: parts.map(({ implementation }) => implementation),
    dependencies: Object.fromEntries(parts.map(({ service, dependsOn }) => [service, dependsOn])),
    startWork() {
      const running = parts.flatMap(({ work }) => work?.() ?? []);
      return {
        async stop() {
          await Promise.all(running.map((each) => each.stop()));
        },
      };
    },
  };
}

/** Throws an Error that names a service which does not exist. */
function wanted(services: string): MakePart[] {
  if (services === "all") return SERVICE_NAMES.map((name) => PARTS[name]);
  return services.split(",").map((given) => {
    const name = SERVICE_NAMES.find((known) => known === given.trim());
    if (name !== undefined) return PARTS[name];
    throw new Error(`SERVICES="${services}": must be all, or some of ${SERVICE_NAMES.join(", ")}`);
  });
}
