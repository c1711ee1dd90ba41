// Tells a person what a run is doing and how long it will take, on standard error: one line that is rewritten on a terminal,
// one line a step elsewhere.

export interface Progress {
  /** A new step: `done` of `total` restarts are over. `leftSeconds`: what is left of the whole run, where that is known better than planned. */
  step(text: string, done: number, total: number, leftSeconds?: number): void;
  end(): void;
}

export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** `nowSeconds` counts from the start of the run; `plannedSeconds` is how long the run should take, undefined where nobody knows. */
export function createProgress(
  output: ProgressOutput,
  plannedSeconds: number | undefined,
  nowSeconds: () => number,
): Progress {
  let last = "";
  return {
    step(text, done, total, leftSeconds) {
      const elapsed = nowSeconds();
      const share = total === 0 ? 0 : done / total;
      const line = `[${bar(share)}] ${done}/${total} ${text} · ${clock(elapsed)}${outlook(elapsed, leftSeconds === undefined ? plannedSeconds : elapsed + leftSeconds)}`;
      if (output.isTTY) output.write(`\r\u001b[K${line}`);
      else if (text !== last) output.write(`${line}\n`);
      last = text;
    },
    end() {
      if (output.isTTY) output.write("\r\u001b[K");
    },
  };
}

function outlook(elapsed: number, planned: number | undefined): string {
  if (planned === undefined) return "";
  return ` of about ${clock(Math.max(planned, elapsed))}, ${clock(Math.max(0, planned - elapsed))} left`;
}

function bar(share: number): string {
  const filled = Math.round(share * 20);
  return "█".repeat(filled) + "·".repeat(20 - filled);
}

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
