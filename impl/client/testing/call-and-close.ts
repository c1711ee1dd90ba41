// A process that calls, closes its client and then has nothing left: `node call-and-close.ts address...`. What is left of sockets and timers
// is its exit code, if it ends at all.
import { echoDefinition, testSchema } from "#impl/runtime/testing/echo-service.ts";
import { createBaseClient } from "../ecommerce-client.ts";

const methods = { unary: {}, expand: { responseStream: true } } as const;
const client = createBaseClient({
  addresses: process.argv.slice(2),
  schema: testSchema(methods),
  pool: { minConnections: 2 },
});
const echo = client.of(echoDefinition(methods));
await Promise.all(Array.from({ length: 50 }, () => echo.unary("a")));
for await (const _ of echo.expand("a")) break;
await client.close();
// Sockets close with the turns of the event loop that follow.
const open = (): string[] =>
  process
    .getActiveResourcesInfo()
    .filter((name) => name === "TCPSocketWrap" || name === "Timeout" || name === "Immediate");
for (let turn = 0; turn < 100 && open().length > 0; turn++) {
  await new Promise<void>((resolve) => process.nextTick(() => setImmediate(resolve)));
}
process.disconnect();
process.exitCode = open().filter((name) => name !== "Immediate").length;
