// CPU of the PostgreSQL that a benchmark runs on, from Linux's /proc.
import { readFile } from "node:fs/promises";
import type pg from "pg";

/** /proc counts in hundredths of a second. */
const MICROSECONDS_A_TICK = 10_000;

/** CPU microseconds so far of the processes of PostgreSQL that serve connections and work in the background. */
export async function postgresCpu(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(
    "select pid from pg_stat_activity where pid is not null",
  );
  const times = await Promise.all(
    rows.map(async ({ pid }) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    }),
  );
  return times.reduce((sum, ticks) => sum + ticks, 0) * MICROSECONDS_A_TICK;
}
