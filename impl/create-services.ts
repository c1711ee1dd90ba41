// The services of the system on one database: migrated, made, and with what they do in the background.
import type { Part, PartContext, Stoppable } from "./parts/part.ts";
import { productPart } from "./parts/product-part.ts";
import { userPart } from "./parts/user-part.ts";
import type { ServiceImplementation } from "./runtime/service.ts";

const PARTS = [userPart, productPart];

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
  for (const make of PARTS) parts.push(await make(context));
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
