// A process that owns an embedded server until it is killed: for the tests of what is left then.
// node embedded-owner.ts <dataDir>; prints "<pid of the server> <url>" when it is ready.
import { setTimeout as sleep } from "node:timers/promises";
import { startEmbeddedPostgres } from "../embedded-postgres.ts";
import { silentLog } from "../storage-log.ts";

const [dataDir = ""] = process.argv.slice(2);
const { pid, url } = await startEmbeddedPostgres({ dataDir, durable: false, sleep, log: silentLog });
process.stdout.write(`${pid} ${url}\n`);
