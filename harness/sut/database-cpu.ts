// CPU time of the embedded database: what a cache saves is spent there, outside the server's own process. Read from the
// kernel's scheduler statistics of the owner's descendants; where those are missing the answer is undefined, not zero.

import { readdir, readFile } from "node:fs/promises";

export interface DatabaseCpu {
  /** Microseconds of CPU that the database's living processes have used. Differences over a slice are meant. */
  micros(): Promise<number | undefined>;
}

/** `ownerPid` is the process that started the database server as its child. */
export async function databaseCpuOf(ownerPid: number): Promise<DatabaseCpu> {
  const postmaster = await findChild(ownerPid, "postgres");
  return {
    micros: async () => {
      if (postmaster === undefined) return undefined;
      const backends = await childrenOf(postmaster);
      const times = await Promise.all([postmaster, ...backends].map(runMicros));
      const known = times.filter((time) => time !== undefined);
      return known.length === 0 ? undefined : known.reduce((sum, time) => sum + time, 0);
    },
  };
}

async function findChild(pid: number, name: string): Promise<number | undefined> {
  for (const child of await childrenOf(pid)) {
    const command = await readFile(`/proc/${child}/comm`, "utf8").catch(() => "");
    if (command.trim() === name) return child;
  }
  return undefined;
}

/** Children of every thread: a child belongs to the thread that made it. */
async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "utf8").catch(() => "")),
  );
  return lists.flatMap((list) => list.split(/\s+/).filter(Boolean).map(Number));
}

/** First field of schedstat: nanoseconds on a CPU, of the main thread, and PostgreSQL's processes have only that. */
async function runMicros(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/schedstat`, "utf8").catch(() => undefined);
  const nanoseconds = Number(text?.split(" ")[0]);
  return text === undefined || !Number.isFinite(nanoseconds) ? undefined : nanoseconds / 1000;
}
