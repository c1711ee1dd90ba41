// A registry on a database of its own, called over the wire, behind the checks of field rules that it relies on.
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll } from "vitest";
import { type ClientOf, createClient } from "#impl/client/client.ts";
import { validate } from "#impl/middleware/validate.ts";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { ecommerceSchema, startTestServer } from "#impl/runtime/testing/test-server.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import { testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { RegistryServiceDefinition } from "#proto/ecommerce/v1/registry.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import { createRegistryService } from "../registry-service.ts";
import { createRegistryStore } from "../registry-store.ts";
import { type RegistryTables, registrySchema } from "../registry-tables.ts";

export type RegistryClient = ClientOf<RegistryServiceDefinition>;

/** Call it at the top of a test file: it registers its own clean-up. `clock` is the time of the registry. */
export async function registryFixture() {
  const database = await testDatabase<RegistryTables>({ migrations: [registrySchema] });
  const clock = manualClock();
  const schema = ecommerceSchema();
  const ours = [...schema.methods].filter(([path]) => path.includes("RegistryService"));
  const tokens = createPageTokens({ key: new Uint8Array(32).fill(1), clock: systemClock });
  /** One of the processes that serve the registry. */
  const serve = async () => {
    const events = await testEventLog(database, registrySchema.schema);
    const store = createRegistryStore(database, { events, clock });
    const server = await startTestServer({
      schema,
      services: [createRegistryService({ store, events, tokens })],
      links: [validate({ ...schema, methods: new Map(ours) })],
      translators: [storageToRpcError],
    });
    const channel = new Client(server.address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    afterAll(async () => {
      channel.close();
      await server.drain();
    });
    const client = createClient(RegistryServiceDefinition, { channel, schema, clock: systemClock });
    return { client, store, server };
  };
  return { ...(await serve()), clock, database, another: serve };
}
