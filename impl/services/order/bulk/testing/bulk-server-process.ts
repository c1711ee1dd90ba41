// A process of the service, to be killed. node bulk-server-process.ts <database url> <address of the catalogue>; sends its own address when
// it serves.
import { setTimeout as wait } from "node:timers/promises";
import { Client, credentials } from "@grpc/grpc-js";
import { createClient } from "#impl/client/client.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { ecommerceSchema } from "#impl/runtime/testing/test-server.ts";
import { openDatabase } from "#impl/storage/database.ts";
import { createEventLog } from "#impl/storage/events/create-event-log.ts";
import { silentLog } from "#impl/storage/storage-log.ts";
import { ProductServiceDefinition } from "#proto/ecommerce/v1/product_service.ts";
import { startBulkServer } from "./bulk-server.ts";

const [url = "", catalogue = ""] = process.argv.slice(2);
const database = openDatabase<unknown>({
  url,
  sleep: (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }),
  random: () => 0.5,
  log: silentLog,
});
const clock = systemClock;
const events = createEventLog({ database, schema: "orders", clock, log: silentLog });
const channel = new Client(catalogue, credentials.createInsecure());
const products = createClient(ProductServiceDefinition, { channel, schema: ecommerceSchema(), clock });
const { server } = await startBulkServer({ database, url, events, products });
process.once("disconnect", () => process.exit());
process.send?.(server.address);
