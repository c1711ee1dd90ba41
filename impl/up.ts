// Entry of `make up`: one process for each service, and a gateway before them that serves the registry, on one PostgreSQL. The same program
// as `make run`, only cut differently. Processes that end unasked are started again; SIGINT or SIGTERM ends all of them in order.
import { join } from "node:path";
import { awaitServing } from "./await-serving.ts";
import { channelCredentials } from "./client/channel-credentials.ts";
import { type Config, configFromEnvironment, environmentWith } from "./config.ts";
import { channelTls } from "./open-tls.ts";
import { sleep, systemClock } from "./runtime/clock.ts";
import { SERVICE_NAMES, type ServiceName } from "./service-names.ts";
import { keepEmbeddedPostgres } from "./storage/kept-postgres.ts";
import { silentLog } from "./storage/storage-log.ts";
import { type SupervisedProcess, supervise } from "./supervised-process.ts";

/** Served by the gateway's own process. */
const AT_GATEWAY: readonly ServiceName[] = ["registry", "gateway"];
const MAX_REPLICAS = 50;
/** Connections of a process beside its pool: those that listen for notifications. */
const EXTRA_CONNECTIONS = 4;
const START_MS = 120_000;
/** What a process is given to stop beside its drain. */
const STOP_MS = 15_000;

type Settings = Readonly<Partial<Record<keyof Config, string>>>;

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const stopping = firstSignal();
  const config = configFromEnvironment();
  const replicas = readReplicas(config.REPLICAS);
  const names = SERVICE_NAMES.filter((name) => !AT_GATEWAY.includes(name));
  const processes = names.flatMap((name) =>
    Array.from({ length: replicas.get(name) ?? 1 }, (_, at) => ({ name, instance: `${name}-${at + 1}` })),
  );
  const start = (instance: string, settings: Settings): SupervisedProcess =>
    supervise({
      name: instance,
      environment: environmentWith({ ...settings, SUPERVISED: "1" }),
      clock: systemClock,
      onLine: print,
      onReady: (pid, { grpc }) => print(`instance ${instance} pid=${pid} grpc=${grpc}`),
      stopMs: config.DRAIN_DELAY_MS + config.DRAIN_GRACE_MS + STOP_MS,
    });

  const DATABASE_URL = config.DATABASE_URL ?? (await openPostgres(config, processes.length + 1, resources));
  const gateway = start("gateway", { DATABASE_URL, GATEWAY: "1", SERVICES: AT_GATEWAY.join() });
  resources.defer(() => gateway.stop());
  const { grpc, admin } = await gateway.ready;
  const services = processes.map(({ name, instance }) =>
    start(instance, {
      DATABASE_URL,
      SERVICES: name,
      GATEWAY: "0",
      REGISTRY_ADDRESS: grpc,
      TRUSTED_GATEWAYS: grpc.slice(0, grpc.lastIndexOf(":")),
      GRPC_PORT: "0",
      ADMIN_PORT: "0",
      HTTP_PORT: "",
    }),
  );
  resources.defer(async () => {
    await Promise.all(services.map((service) => service.stop()));
  });
  const started = Promise.all(services.map(({ ready }) => ready)).then(() =>
    awaitServing(grpc, names.map(fullName), {
      credentials: channelCredentials(channelTls(config)),
      clock: systemClock,
      signal: AbortSignal.timeout(START_MS),
    }),
  );
  // Whoever stops it while it starts wants no error.
  if ((await Promise.race([started.then(() => "started"), stopping])) === "started") {
    print(`ready grpc=${grpc} admin=${admin}`);
    await stopping;
  }
}

const fullName = (name: string): string => `ecommerce.v1.${name[0]?.toUpperCase()}${name.slice(1)}Service`;

function readReplicas(setting: string): ReadonlyMap<string, number> {
  const replicas = new Map<string, number>();
  for (const entry of setting.split(",").filter((text) => text.trim() !== "")) {
    const [name = "", count = ""] = entry.split("=").map((part) => part.trim());
    const number = Number(count);
    const known = SERVICE_NAMES.some((service) => service === name && !AT_GATEWAY.includes(service));
    if (!known || !Number.isInteger(number) || number < 1 || number > MAX_REPLICAS) {
      throw new Error(`REPLICAS="${setting}": must be service=1 to ${MAX_REPLICAS}, got "${entry}"`);
    }
    replicas.set(name, number);
  }
  return replicas;
}

async function openPostgres(
  config: Config,
  processes: number,
  resources: AsyncDisposableStack,
): Promise<string> {
  const postgres = await keepEmbeddedPostgres({
    dataDir: join(config.DATA_DIR, "postgres"),
    maxConnections: processes * (config.DATABASE_CONNECTIONS + EXTRA_CONNECTIONS) + 10,
    sleep: (ms) => sleep(systemClock, ms),
    log: silentLog,
  });
  resources.defer(() => postgres.stop());
  return postgres.url;
}

function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve());
  });
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
}
