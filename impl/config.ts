// The configuration of the system, and the only reader of process.env. Every setting has a name, a default and a unit; a value that breaks
// its rule stops the start with the name, the value and the rule. `docs/configuration.md` is printed from this table.
import { resolve } from "node:path";
import type { BucketLimit } from "./middleware/token-bucket.ts";

interface Setting<T> {
  readonly about: string;
  readonly defaultText: string;
  readonly read: (text: string | undefined) => T;
}

class BadValue extends Error {}

/** A bad value that must not be shown. */
class BadSecret extends BadValue {}

function integer(about: string, byDefault: number, min: number, max: number): Setting<number> {
  return {
    about: `${about} ${min} to ${max}.`,
    defaultText: String(byDefault),
    read(text = String(byDefault)) {
      const value = Number(text);
      if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max) {
        throw new BadValue(`must be an integer from ${min} to ${max}`);
      }
      return value;
    },
  };
}

function optionalInteger(about: string, min: number, max: number): Setting<number | undefined> {
  const { about: description, read } = integer(about, min, min, max);
  return {
    about: description,
    defaultText: "",
    read: (value) => (value === undefined || value === "" ? undefined : read(value)),
  };
}

function ratio(about: string, byDefault: number): Setting<number> {
  return {
    about: `${about} 0 to 1.`,
    defaultText: String(byDefault),
    read(text = String(byDefault)) {
      const value = Number(text);
      if (text.trim() === "" || !(value >= 0 && value <= 1))
        throw new BadValue("must be a number from 0 to 1");
      return value;
    },
  };
}

function oneOf<const T extends string>(about: string, values: readonly T[], byDefault: T): Setting<T> {
  return {
    about: `${about} One of ${values.join(", ")}.`,
    defaultText: byDefault,
    read(text = byDefault) {
      const value = values.find((candidate) => candidate === text);
      if (value === undefined) throw new BadValue(`must be one of ${values.join(", ")}`);
      return value;
    },
  };
}

function text(about: string, byDefault: string): Setting<string> {
  return { about, defaultText: byDefault, read: (value = byDefault) => value };
}

function optional(about: string): Setting<string | undefined> {
  return { about, defaultText: "", read: (value) => (value === "" ? undefined : value) };
}

const SECRET_BYTES = 32;

function secret(about: string): Setting<string | undefined> {
  return {
    about: `${about} At least ${SECRET_BYTES} bytes.`,
    defaultText: "",
    read(value) {
      if (value === undefined || value === "") return undefined;
      if (Buffer.byteLength(value) < SECRET_BYTES) {
        throw new BadSecret(`must have at least ${SECRET_BYTES} bytes`);
      }
      return value;
    },
  };
}

/** "per second/burst", such as "50/100"; "0" is no limit. */
function rate(about: string, byDefault: string): Setting<BucketLimit | undefined> {
  return {
    about: `${about} Calls a second/burst; 0 is off.`,
    defaultText: byDefault,
    read(text = byDefault) {
      if (text.trim() === "0") return undefined;
      const [, perSecond, burst] = (/^(\d{1,7}(?:\.\d+)?)\/(\d{1,9})$/.exec(text.trim()) ?? []).map(Number);
      if (
        perSecond === undefined ||
        burst === undefined ||
        !(perSecond > 0 && perSecond <= 1_000_000 && burst > 0)
      ) {
        throw new BadValue("must be 0, or at most 1000000 a second and a whole number, such as 50/100");
      }
      return Object.freeze({ perSecond, burst });
    },
  };
}

const KIB = 1024;
const MIB = 1024 * KIB;

const SETTINGS = {
  HOST: text("Address to listen on.", "127.0.0.1"),
  GRPC_PORT: integer("Port of gRPC; 0 is any free one.", 50_051, 0, 65_535),
  HTTP_PORT: optionalInteger(
    "Port of JSON over HTTP, served on HOST too; 0 is any free one. Without it there is none; `make run` sets 8080.",
    0,
    65_535,
  ),
  HTTP_CORS_ORIGINS: text(
    "Web pages that may call over HTTP, comma separated, such as https://shop.example.com; * is every page.",
    "",
  ),
  ADMIN_PORT: integer(
    "Port of metrics, health and diagnostics over HTTP; 0 is any free one.",
    9_464,
    0,
    65_535,
  ),
  ADMIN_HOST: text("Address of the admin port, which asks nobody who he is.", "127.0.0.1"),
  SHOW_DATABASE_URL: oneOf(
    "Show the database's URL, password included, at /debug/runtime, for a harness that starts further processes on it.",
    ["0", "1"],
    "0",
  ),
  DATA_DIR: text(
    "Folder of the embedded PostgreSQL, product images and the development signing key.",
    ".data",
  ),
  DATABASE_URL: optional(
    "A PostgreSQL 18 to use in place of the embedded one: postgres://user:password@host:port/database.",
  ),
  DATABASE_CONNECTIONS: integer("Connections to PostgreSQL.", 10, 1, 500),
  STATEMENT_TIMEOUT_MS: integer("A statement that runs longer is ended. 0 is never.", 15_000, 0, 3_600_000),
  EVENT_RETENTION_HOURS: integer(
    "How long events are kept, and so for how long a stream can be resumed.",
    168,
    1,
    8_760,
  ),
  SERVICES: text("Services that this process serves, comma separated: user, product, ...; or all.", "all"),
  REPLICAS: text(
    "Processes of a service with `make up`, comma separated: order=2, product=2. Others have one.",
    "",
  ),
  SUPERVISED: oneOf(
    "Started by another process: stop when standard input ends, and print no instructions.",
    ["0", "1"],
    "0",
  ),
  GATEWAY: oneOf(
    "Forward calls of the services that this process does not serve to where they are.",
    ["0", "1"],
    "0",
  ),
  TRUSTED_GATEWAYS: text(
    "Addresses or networks of gateways, comma separated, such as 10.0.0.0/8: they are believed from where the calls come that they forward.",
    "",
  ),
  BACKENDS: text(
    "Where services of other processes are, comma separated: order=host:port|host:port, user=dns:name:port, *=registry. Without it the registry, where one is configured.",
    "",
  ),
  BACKEND_CONNECTIONS: integer(
    "Connections to one instance of another process at most; another is made when those that are there carry all the calls they may.",
    16,
    1,
    1_000,
  ),
  BACKEND_BALANCING: oneOf(
    "Which instance gets a call: one with few calls under way for its weight, or each in turn by weight.",
    ["byLoad", "inTurn"],
    "byLoad",
  ),
  REGISTRY_ADDRESS: optional(
    "Where the service registry is: host:port|host:port or dns:name:port. With it, and with GATEWAY where the registry is served, this process registers what it serves.",
  ),
  ADVERTISED_HOST: optional(
    "Name or address under which other processes reach this one, as the registry is told. Without it HOST, or the machine's name where that is any address.",
  ),
  ADVERTISED_ZONE: text("Where this process runs, such as eu-west-1a, as the registry is told.", ""),
  REGISTRY_LEASE_SECONDS: integer(
    "How long the registry keeps an instance that sends no heartbeat.",
    15,
    5,
    300,
  ),
  ORDER_LEASE_MS: integer(
    "How long an order stays with a process that is silent before another goes on with it.",
    10_000,
    1_000,
    600_000,
  ),
  PAYMENT_PROVIDER_URL: optional(
    "Payment provider: http://host:port. Without it a simulated one, a process of its own that keeps its journal in DATA_DIR.",
  ),
  PAYMENT_PROVIDER_API_KEY: optional(
    "Key of the shop's account at the provider. Goes with PAYMENT_PROVIDER_URL.",
  ),
  PAYMENT_PROVIDER_TIMEOUT_MS: integer(
    "How long the provider may take; after it the outcome is unknown and reconciled.",
    5_000,
    100,
    60_000,
  ),
  PAYMENT_WEBHOOK_SECRET: optional(
    "Secret with which the provider signs its webhooks (whsec_...). Goes with PAYMENT_PROVIDER_URL.",
  ),
  PAYMENT_WEBHOOK_PORT: integer(
    "Port of the provider's webhooks over HTTP; 0 is any free one.",
    0,
    0,
    65_535,
  ),
  SMTP_URL: optional("Mail server: smtp://user:password@host:port. Without it e-mail waits in the queue."),
  SMTP_FROM: text("Sender of e-mail.", "shop@example.com"),
  WEBHOOK_ALLOWED_NETWORKS: text(
    "Private networks that webhooks may be posted to, comma separated, such as 10.0.0.0/8. Public ones always may.",
    "",
  ),
  JWKS_FILE: optional(
    "Public keys of access tokens that others sign, a JSON Web Key Set; believed beside the system's own.",
  ),
  DEVELOPMENT_TOKEN: oneOf(
    "Print an administrator's access token at the start, signed by a development key in DATA_DIR that is believed for it. For a machine of one's own, and to make a first administrator.",
    ["0", "1"],
    "0",
  ),
  SERVICE_KEY_FILE: optional(
    "Private Ed25519 key (JSON Web Key) of the tokens with which services call each other, the same in every process; made when missing. Without it one in DATA_DIR.",
  ),
  ACCESS_TOKEN_SECONDS: integer("How long an access token of a session lives.", 900, 60, 3_600),
  REFRESH_TOKEN_DAYS: integer("How long a session lasts that is not refreshed.", 30, 1, 365),
  TOKEN_CLOCK_SKEW_SECONDS: integer(
    "How far the clocks of those who issue tokens and of those who verify them may differ.",
    5,
    0,
    300,
  ),
  JWT_ALGORITHM: oneOf(
    "How access tokens of sessions are signed: with a private key that is replaced by itself, or with JWT_SECRET.",
    ["EdDSA", "HS256"],
    "EdDSA",
  ),
  JWT_SECRET: secret("Secret that signs and verifies access tokens with HS256, the same in every process."),
  SIGNING_KEY_DAYS: integer(
    "How long a private key signs access tokens until the next one does.",
    30,
    1,
    3_650,
  ),
  SIGNING_KEY_SECRET: secret(
    "Key under which private signing keys are sealed in the database, the same in every process that serves auth. Without it one in DATA_DIR.",
  ),
  PAGE_TOKEN_SECRET: secret(
    "Key under which page and resume tokens are sealed, the same on every replica. Without it one in DATA_DIR.",
  ),
  TLS_CERT_FILE: optional(
    "Certificate chain of the gRPC port, PEM, looked at again for changes. Without it connections are plaintext.",
  ),
  TLS_KEY_FILE: optional("Private key of TLS_CERT_FILE, PEM."),
  TLS_CLIENT_CA_FILE: optional(
    "Authorities of client certificates, PEM. With it, only clients that show one are let in.",
  ),
  TLS_CA_FILE: optional(
    "Authorities of the servers that this process calls over TLS, PEM. Without it those of Node.",
  ),
  TLS_SERVER_NAME: optional(
    "Name that certificates of called services must carry. Without it the host that is called.",
  ),
  TLS_MIN_VERSION: oneOf("Oldest version of TLS accepted.", ["TLSv1.2", "TLSv1.3"], "TLSv1.2"),
  TLS_RELOAD_SECONDS: integer("How often the TLS files are looked at for changes.", 10, 1, 86_400),
  MIDDLEWARE_OFF: text(
    "Links of the pipeline to leave out, comma separated: trace, metrics, log, overload, deadline, compression, guessing, auth, rate, cache, validation.",
    "",
  ),
  RATE_LIMIT_READ: rate("Cheap reads of one account, or of one address without one.", "100/400"),
  RATE_LIMIT_SEARCH: rate("Likewise, reads that scan or aggregate.", "20/100"),
  RATE_LIMIT_WRITE: rate(
    "Likewise, changes, and messages sent on streams such as a chat, which wait for their turn.",
    "20/100",
  ),
  RATE_LIMIT_BULK: rate("Likewise, imports, uploads and bulk orders that are begun.", "1/20"),
  RATE_LIMIT_STREAM: rate("Likewise, long-lived streams that are opened.", "5/50"),
  RATE_LIMIT_CREDENTIALS: rate("Calls that check credentials, of one address, and of one account.", "2/40"),
  RATE_LIMIT_WRONG_CREDENTIALS: rate(
    "Credentials of one address that turn out wrong; beyond it only those that were verified before are taken. In each process.",
    "1/30",
  ),
  RATE_LIMIT_UNLIMITED: text(
    "Accounts that rate limits do not count, comma separated: those that services call each other with.",
    "service:ecommerce",
  ),
  REDIS_URL: optional(
    "A Redis in which processes share rate limits: redis://user:password@host:port. Without it each process counts for itself.",
  ),
  REDIS_TIMEOUT_MS: integer(
    "How long a call waits for Redis before its process decides alone, as it does until Redis answers again.",
    50,
    1,
    10_000,
  ),
  OVERLOAD_MIN_CALLS: integer(
    "Calls that may always be under way at once, however slow they are; streams apart.",
    20,
    1,
    1_000_000,
  ),
  OVERLOAD_MAX_CALLS: integer(
    "Calls that may be under way at most, no fewer; between the two the limit follows how long calls take.",
    1_000,
    1,
    1_000_000,
  ),
  OVERLOAD_MAX_STREAMS: integer("Streams that may be open at once.", 10_000, 1, 10_000_000),
  OVERLOAD_TURN_MS: integer(
    "When calls wait longer than this for the event loop, and have for 100 ms, those beyond are refused.",
    50,
    1,
    60_000,
  ),
  CACHE_MAX_BYTES: integer("Memory of the response cache in bytes.", 64 * MIB, 64 * KIB, 16 * 1024 * MIB),
  COMPRESSION_MIN_BYTES: integer("Smaller responses are not compressed.", KIB, 0, 64 * MIB),
  COMPRESSION_ASYNC_BYTES: integer(
    "Responses from this size on are compressed off the main thread.",
    64 * KIB,
    0,
    64 * MIB,
  ),
  MAX_MESSAGE_BYTES: integer(
    "Largest message received and sent, after decompression.",
    4 * MIB,
    KIB,
    256 * MIB,
  ),
  MAX_STREAMS_PER_CONNECTION: integer("Calls that one connection may have open.", 1_000, 1, 1_000_000),
  MAX_HEADER_BYTES: integer(
    "Request headers of a call, each counted with 32 bytes more.",
    16 * KIB,
    KIB,
    MIB,
  ),
  MAX_CONNECTIONS: integer("Connections of this process; more are closed unread.", 10_000, 1, 1_000_000),
  MAX_CONNECTIONS_PER_ADDRESS: integer(
    "Connections from one address; callers behind one proxy share it.",
    5_000,
    1,
    1_000_000,
  ),
  HANDSHAKE_TIMEOUT_MS: integer(
    "How long a connection may take for its TLS handshake, and for HTTP/2's first frame.",
    10_000,
    1,
    600_000,
  ),
  CONNECTION_IDLE_MS: integer(
    "A connection without a call for so long is closed.",
    1_800_000,
    1_000,
    2_147_483_646,
  ),
  CONNECTION_AGE_MS: integer(
    "After this, give or take a tenth, a connection takes no new calls, so that callers spread over new servers.",
    3_600_000,
    1_000,
    1_900_000_000,
  ),
  CONNECTION_AGE_GRACE_MS: integer(
    "What calls that are open then are given before the connection is cut.",
    86_400_000,
    0,
    2_147_483_646,
  ),
  KEEPALIVE_MS: integer(
    "How often a connection is asked whether its caller is there.",
    120_000,
    1_000,
    2_147_483_646,
  ),
  KEEPALIVE_TIMEOUT_MS: integer(
    "How long the answer may take; then the connection is cut.",
    20_000,
    1,
    600_000,
  ),
  MAX_CONTROL_FRAMES_PER_MINUTE: integer(
    "PING and SETTINGS frames of a connection in a minute in which it gets nothing but their answers.",
    120,
    1,
    1_000_000,
  ),
  MAX_RESET_BURST: integer(
    "Streams that a connection may reset at once; then it is closed.",
    1_000,
    1,
    1_000_000,
  ),
  MAX_RESETS_PER_SECOND: integer("By how much that allowance grows back each second.", 100, 1, 1_000_000),
  REQUEST_TIMEOUT_MS: integer("How long the one request of a call may take to arrive.", 60_000, 1, 3_600_000),
  READER_TIMEOUT_MS: integer(
    "How long a caller may take to read one message of a response.",
    60_000,
    1,
    3_600_000,
  ),
  MAX_UNSENT_BYTES: integer(
    "Responses that wait for all slow readers together; beyond it the slowest are cut.",
    256 * MIB,
    MIB,
    64 * 1024 * MIB,
  ),
  MAX_WAITING_REQUEST_BYTES: integer(
    "Requests that have come and whose callers keep the call open before it can begin, together.",
    64 * MIB,
    KIB,
    64 * 1024 * MIB,
  ),
  MAX_DEADLINE_MS: integer("A caller's longer deadline is cut to this.", 86_400_000, 1, 2_147_483_647),
  DRAIN_DELAY_MS: integer(
    "Between NOT_SERVING and the closing of connections, for balancers to notice.",
    0,
    0,
    600_000,
  ),
  DRAIN_GRACE_MS: integer("How long open calls are given to finish on shutdown.", 10_000, 0, 600_000),
  LOG_LEVEL: oneOf(
    "Least severe level that is logged.",
    ["debug", "info", "warn", "error", "silent"],
    "info",
  ),
  AUDIT_FILE: optional(
    'File to which security events are appended, a line each. Without it they go to the log, marked "stream":"audit".',
  ),
  TRACE_SAMPLE_RATIO: ratio("Share of calls without a traced parent that are traced.", 0.01),
  OTLP_ENDPOINT: optional(
    "Where spans are sent: an OTLP/HTTP traces URL. Without it spans are not exported.",
  ),
  PROFILE_ALLOCATIONS: oneOf(
    "Count allocated bytes for /debug/runtime; costs a little at each garbage collection.",
    ["0", "1"],
    "0",
  ),
} satisfies Record<string, Setting<unknown>>;

export type Config = { readonly [K in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[K]["read"]> };

/** The settings of an environment, frozen. Throws with one line for each value that breaks its rule. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const entries = Object.entries(SETTINGS).map(([name, setting]) => {
    const given = environment[name];
    try {
      return [name, setting.read(given)];
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      problems.push(`${name}${error instanceof BadSecret ? "" : `="${given}"`}: ${error.message}`);
      return [name, undefined];
    }
  });
  if (problems.length > 0) throw new Error(`the configuration is not valid:\n  ${problems.join("\n  ")}`);
  const config: Config = Object.fromEntries(entries);
  return Object.freeze({ ...config, DATA_DIR: resolve(config.DATA_DIR) });
}

export function configFromEnvironment(): Config {
  return readConfig(process.env);
}

/** The environment of a process that is started with other settings than this one. */
export function environmentWith(
  settings: Readonly<Partial<Record<keyof Config, string>>>,
): Record<string, string | undefined> {
  return { ...process.env, ...settings };
}

/** The table of `docs/configuration.md`. */
export function describeConfig(): string {
  const rows = Object.entries(SETTINGS).map(
    ([name, { about, defaultText }]) =>
      `| \`${name}\` | ${about} | ${defaultText === "" ? "-" : `\`${defaultText}\``} |`,
  );
  return ["| variable | meaning | default |", "|---|---|---|", ...rows].join("\n");
}
