// PostgreSQL and Redis in containers of a run, by testcontainers. Its reaper removes them if the run is killed.

import type { StartedTestContainer } from "testcontainers";
import type { BackingServer } from "./backing-server.ts";

const POSTGRES_IMAGE = "postgres:18-alpine";
const REDIS_IMAGE = "redis:8-alpine";
const POSTGRES_PORT = 5432;
const REDIS_PORT = 6379;
const PASSWORD = "scenarios";
/** The image may have to be fetched first. */
const START_MS = 120_000;

/** Loaded when it is asked for: with what it needs it is a second's work. */
const testcontainers = () => import("testcontainers");

/** Why no container engine can be used; undefined: one answers. */
export async function whyNoEngine(): Promise<string | undefined> {
  try {
    const { getContainerRuntimeClient } = await testcontainers();
    await getContainerRuntimeClient();
    return undefined;
  } catch (error) {
    return `no container engine answers (${error instanceof Error ? error.message : String(error)})`;
  }
}

export async function startPostgresContainer(): Promise<BackingServer> {
  const { GenericContainer, Wait } = await testcontainers();
  const container = await new GenericContainer(POSTGRES_IMAGE)
    .withEnvironment({ POSTGRES_PASSWORD: PASSWORD })
    .withCommand(["postgres", "-c", "max_connections=300", "-c", "fsync=off"])
    .withExposedPorts(POSTGRES_PORT)
    // The first time it says so it is only being initialised.
    .withWaitStrategy(
      Wait.forAll([
        Wait.forListeningPorts(),
        Wait.forLogMessage(/database system is ready to accept connections/, 2),
      ]),
    )
    .withStartupTimeout(START_MS)
    .start();
  return server(container, `postgres://postgres:${PASSWORD}@${addressOf(container, POSTGRES_PORT)}/postgres`);
}

export async function startRedisContainer(): Promise<BackingServer> {
  const { GenericContainer, Wait } = await testcontainers();
  const container = await new GenericContainer(REDIS_IMAGE)
    .withExposedPorts(REDIS_PORT)
    .withWaitStrategy(Wait.forLogMessage("Ready to accept connections"))
    .withStartupTimeout(START_MS)
    .start();
  return server(container, `redis://${addressOf(container, REDIS_PORT)}`);
}

function server(container: StartedTestContainer, url: string): BackingServer {
  return { url, stop: async () => void (await container.stop()) };
}

function addressOf(container: StartedTestContainer, port: number): string {
  return `${container.getHost()}:${container.getMappedPort(port)}`;
}
