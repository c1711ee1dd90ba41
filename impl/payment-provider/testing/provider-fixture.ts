// A provider process for a test file, and a caller of its HTTP that knows nothing of the shop.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import type { BehaviorPatch } from "../behavior.ts";
import { type ProviderProcess, startProviderProcess } from "../provider-process.ts";

export interface TestProvider {
  /** The running process; another one after a restart. */
  readonly process: () => ProviderProcess;
  readonly dataDir: string;
  /** Kills it with SIGKILL and starts it again on its data. */
  restart(): Promise<void>;
}

/** Call it at the top of a test file: it registers its own clean-up. */
export async function startTestProvider(behavior: BehaviorPatch = {}): Promise<TestProvider> {
  const dataDir = await mkdtemp(join(tmpdir(), "payment-provider-"));
  const start = () => startProviderProcess({ dataDir, clock: systemClock, behavior });
  let running = await start();
  afterAll(async () => {
    await running.stop("SIGKILL");
    await rm(dataDir, { recursive: true });
  });
  return {
    process: () => running,
    dataDir,
    async restart() {
      await running.stop("SIGKILL");
      running = await start();
    },
  };
}

export interface HttpAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into answers of any shape.
  readonly body: any;
}

export interface ProviderCaller {
  post(path: string, body: object, key?: string): Promise<HttpAnswer>;
  get(path: string): Promise<HttpAnswer>;
  /** A token of the card. */
  tokenOf(number: string): Promise<string>;
}

export function providerCaller(provider: TestProvider, apiKey?: string): ProviderCaller {
  const call = async (path: string, init: RequestInit): Promise<HttpAnswer> => {
    const { url, apiKey: known } = provider.process();
    const headers = { authorization: `Bearer ${apiKey ?? known}`, ...init.headers };
    const response = await fetch(`${url}${path}`, { ...init, headers, signal: AbortSignal.timeout(5_000) });
    return { status: response.status, body: await response.json() };
  };
  const post: ProviderCaller["post"] = (path, body, key = newId()) =>
    call(path, { method: "POST", body: JSON.stringify(body), headers: { "idempotency-key": key } });
  return {
    post,
    get: (path) => call(path, {}),
    async tokenOf(number) {
      const { body } = await post("/v1/tokens", { card: cardData(number) });
      return body.token;
    },
  };
}

export function cardData(number: string) {
  return { number, exp_month: 12, exp_year: 2040, cvc: "123", name: "A. Customer" };
}
