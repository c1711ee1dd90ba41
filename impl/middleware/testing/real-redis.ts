// The Redis of the machine, for tests that need one; keys of a run are under a prefix of its own.
import { randomUUID } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { Redis } from "ioredis";

const HOST = "127.0.0.1";
const PORT = 6379;

/** Why there is no Redis to test with; undefined when there is. */
export async function whyNoRedis(): Promise<string | undefined> {
  const redis = connectTo(PORT);
  try {
    await redis.connect();
    await redis.ping();
    return undefined;
  } catch (error) {
    return `no Redis answers at ${HOST}:${PORT}: ${error instanceof Error ? error.message : error}`;
  } finally {
    redis.disconnect();
  }
}

export function connectTo(port = PORT): Redis {
  const redis = new Redis({
    host: HOST,
    port,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 20,
  });
  redis.on("error", () => {});
  return redis;
}

export function uniquePrefix(): string {
  return `test:${randomUUID()}:`;
}

export async function removeKeys(redis: Redis, prefix: string): Promise<void> {
  const keys = await redis.keys(`${prefix}*`);
  if (keys.length > 0) await redis.del(keys);
}

export interface RedisLink {
  readonly port: number;
  /** Nothing passes until `resume`; connections stay. */
  pause(): void;
  resume(): void;
  /** Breaks what is connected and refuses what comes until `resume`. */
  cut(): void;
  close(): Promise<void>;
}

/** A way to Redis that can fail. */
export async function linkToRedis(): Promise<RedisLink> {
  const sockets = new Set<Socket>();
  let refusing = false;
  const server = createServer((client) => {
    if (refusing) {
      client.destroy();
      return;
    }
    const redis = connect(PORT, HOST);
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    }
    client.pipe(redis).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  const cut = (): void => {
    refusing = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    pause: () => {
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      refusing = false;
      for (const socket of sockets) socket.resume();
    },
    cut,
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
