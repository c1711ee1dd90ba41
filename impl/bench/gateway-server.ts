// The gateway of the gateway benchmark, in a process of its own: `node gateway-server.ts <backend port> <link names>`. Tells its parent its
// port, and on request the CPU that it has used.
import { createVouch } from "#impl/auth/vouch.ts";
import { staticDiscovery } from "#impl/client/discovery.ts";
import { createBackends } from "#impl/gateway/backends.ts";
import { forwarding } from "#impl/gateway/forwarding.ts";
import { CHAIN_ORDER } from "#impl/middleware/chain.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { systemRandom } from "#impl/runtime/ids.ts";
import { ecommerceSchema, recordingLogger, startTestServer } from "#impl/runtime/testing/test-server.ts";
import { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { createBenchChain } from "./bench-chain.ts";

const [port, names = ""] = process.argv.slice(2);
const schema = ecommerceSchema();
const { only, token, key } = await createBenchChain(schema);
const vouch = createVouch({ key, service: "service:gateway", clock: systemClock });
const discovery = staticDiscovery([`127.0.0.1:${port}`]);
const services = [UserServiceDefinition.fullName];
const backends = createBackends({
  discoveryOf: () => discovery,
  services,
  clock: systemClock,
  random: systemRandom,
  log: recordingLogger([]),
  maxMessageBytes: 4 * 1024 * 1024,
});
const server = await startTestServer({
  schema,
  links: only(...CHAIN_ORDER.filter((name) => names.split(",").includes(name))),
  services: [forwarding(schema, backends, new Set(services), vouch)],
  record: false,
});
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicros: user + system });
});
process.once("disconnect", () => process.exit());
process.send?.({ port: server.port, token });
