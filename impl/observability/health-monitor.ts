// Keeps grpc.health.v1 true: a service is SERVING while the things it depends on answer, the server while all do. A service that is not
// listed stays NOT_SERVING, so one that only answers UNIMPLEMENTED never claims to serve. Transitions are logged once each.
import type { CancelTimer, Clock } from "#impl/runtime/clock.ts";
import type { Health } from "#impl/runtime/health.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { Readiness } from "./admin-http.ts";

/** Resolves when the dependency answers, else rejects. The signal aborts when nobody waits any more. */
export type Check = (signal: AbortSignal) => Promise<void>;

export interface HealthMonitorOptions {
  readonly health: Pick<Health, "set">;
  readonly clock: Clock;
  readonly log: Logger;
  /** By name, such as "database". */
  readonly checks: Readonly<Record<string, Check>>;
  /** The services that are implemented, by full name, each with the names of the checks it depends on. */
  readonly services: Readonly<Record<string, readonly string[]>>;
  /** From the end of a round to the next. Default 1000. */
  readonly intervalMs?: number;
  /** A check that takes longer has failed. Default 1000. */
  readonly timeoutMs?: number;
}

export interface HealthMonitor {
  /** Ready when every dependency has answered; after `stop` never. */
  readiness(): Readiness;
  /** Resolves when the first round has been made. */
  readonly firstRound: Promise<void>;
  /** Ends the rounds; statuses stay as they are. */
  stop(): void;
}

/** Throws when a service depends on a check that does not exist, or is not one of the server's. */
export function startHealthMonitor(options: HealthMonitorOptions): HealthMonitor {
  const { health, clock, log, checks, services, intervalMs = 1_000, timeoutMs = 1_000 } = options;
  validate(options);
  for (const service of Object.keys(services)) health.set(service, "NOT_SERVING");
  const probes = Object.entries(checks).map(([name, check]) => new Probe(name, check, clock, timeoutMs));
  let cancelNext: CancelTimer = () => {};
  let stopped = false;

  const publish = (): void => {
    const answers = new Set(probes.filter((probe) => probe.answers).map((probe) => probe.name));
    for (const [service, dependencies] of Object.entries(services)) {
      health.set(service, dependencies.every((name) => answers.has(name)) ? "SERVING" : "NOT_SERVING");
    }
    health.set("", answers.size === probes.length ? "SERVING" : "NOT_SERVING");
  };
  const round = async (): Promise<void> => {
    await Promise.all(probes.map((probe) => probe.run(log)));
    if (stopped) return;
    publish();
    cancelNext = clock.after(intervalMs, () => void round());
  };
  return {
    firstRound: round(),
    readiness() {
      if (stopped) return { ready: false, reasons: ["stopping"] };
      const silent = probes.filter((probe) => !probe.answers).map((probe) => `${probe.name} does not answer`);
      return { ready: silent.length === 0, reasons: silent };
    },
    stop() {
      stopped = true;
      cancelNext();
      for (const probe of probes) probe.abandon();
    },
  };
}

function validate({ checks, services, intervalMs = 1, timeoutMs = 1 }: HealthMonitorOptions): void {
  if (!(intervalMs > 0)) throw new RangeError(`intervalMs ${intervalMs}: must be more than 0`);
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs ${timeoutMs}: must be more than 0`);
  for (const [service, dependencies] of Object.entries(services)) {
    const missing = dependencies.find((name) => !Object.hasOwn(checks, name));
    if (missing !== undefined) throw new Error(`${service} depends on "${missing}", which has no check`);
  }
}

/** One dependency. At most one check of it runs at a time: one that hangs is not asked again, and does not answer. */
class Probe {
  readonly name: string;
  readonly #check: Check;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #answers: boolean | undefined = undefined;
  #running: AbortController | undefined = undefined;

  constructor(name: string, check: Check, clock: Clock, timeoutMs: number) {
    this.name = name;
    this.#check = check;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  get answers(): boolean {
    return this.#answers === true;
  }

  /** Never rejects; resolves at the latest after the timeout. */
  async run(log: Logger): Promise<void> {
    if (this.#running !== undefined) return;
    const running = new AbortController();
    this.#running = running;
    const aborted = new Promise<never>((_, reject) => {
      running.signal.addEventListener("abort", () => reject(running.signal.reason), { once: true });
    });
    const cancelTimeout = this.#clock.after(this.#timeoutMs, () =>
      running.abort(new Error(`no answer within ${this.#timeoutMs} ms`)),
    );
    const check = this.#settle(running.signal);
    try {
      await Promise.race([check, aborted]);
      this.#note(true, log);
    } catch (error) {
      if (!(running.signal.reason instanceof Abandoned)) this.#note(false, log, error);
    } finally {
      cancelTimeout();
    }
  }

  abandon(): void {
    this.#running?.abort(new Abandoned());
  }

  async #settle(signal: AbortSignal): Promise<void> {
    try {
      await this.#check(signal);
    } finally {
      this.#running = undefined;
    }
  }

  #note(answers: boolean, log: Logger, error?: unknown): void {
    if (answers !== this.#answers) {
      if (answers) log.info({ dependency: this.name }, "a dependency answers");
      else log.warn({ dependency: this.name, err: error }, "a dependency does not answer");
    }
    this.#answers = answers;
  }
}

class Abandoned extends Error {}
