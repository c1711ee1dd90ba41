// A stand-in for the system in tests of starting and stopping: it behaves as FAKE says, and knows no gRPC.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";

const mode = process.env.FAKE;
const out = (line: string) => process.stdout.write(`${line}\n`);

if (mode === "crash") {
  out("about to fail");
  process.stderr.write("cannot open the database\n");
  process.exit(3);
}
if (mode === "silent") {
  out("still thinking");
  setInterval(() => {}, 1000);
} else {
  const server = createServer((request, response) => {
    const answers: Readonly<Record<string, () => string>> = {
      "/debug/runtime": runtime,
      "/debug/profile?seconds=1": profile,
    };
    response.end(answers[request.url ?? ""]?.() ?? "metric 1\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  if (mode === "deaf") process.on("SIGTERM", () => out("I will not"));
  else process.on("SIGTERM", () => process.exit(0));
  if (mode === "grandchild" || mode === "deaf") {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    out(`grandchild ${child.pid}`);
  }
  out(`ready grpc=127.0.0.1:${port} admin=127.0.0.1:${port}`);
}

function runtime(): string {
  return JSON.stringify({
    pid: process.pid,
    node: process.version,
    v8: process.versions.v8,
    execArgv: process.execArgv,
    cpuMicros: { user: 2, system: 1 },
    allocatedBytes: null,
    gc: { count: 1, majorCount: 0, pauseMicros: 5 },
    eventLoop: { active: 1, idle: 2, utilization: 0.33 },
    rssBytes: 1,
    heapUsedBytes: 1,
    calls: 7,
    databaseQueries: 4,
    databaseUrl: process.env.DATABASE_URL,
  });
}

function profile(): string {
  const callFrame = { functionName: "profile", url: import.meta.url, lineNumber: 0 };
  return JSON.stringify({ nodes: [{ id: 1, callFrame }], samples: [1], timeDeltas: [500], startTime: 0 });
}
