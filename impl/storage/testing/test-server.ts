// The PostgreSQL of a test run. It is started when the first test file asks for it, so that a run of tests without
// a database pays nothing, and there is one for all the files. Files run in processes of their own and ask
// over a loopback port.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../embedded-postgres.ts";
import { silentLog } from "../storage-log.ts";

export type TestServer = {
  /** Connect here, and read the database URL until the end; a line "error: ..." when there is none. */
  readonly port: number;
  readonly stop: () => Promise<void>;
};

export async function offerTestServer(sleep: (ms: number) => Promise<void>): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), "grpc-ecommerce-test-"));
  let starting: Promise<EmbeddedPostgres> | undefined;
  const door = createServer((socket) => {
    starting ??= startEmbeddedPostgres({
      dataDir,
      durable: false,
      maxConnections: 300,
      sleep,
      log: silentLog,
    });
    socket.on("error", () => {});
    starting.then(
      ({ url }) => socket.end(url),
      (error: Error) => socket.end(`error: ${error.message}`),
    );
  });
  const port = await new Promise<number>((resolve, reject) => {
    door.once("error", reject).listen(0, "127.0.0.1", () => {
      const address = door.address();
      if (typeof address === "object" && address !== null) resolve(address.port);
    });
  });
  const stop = async (): Promise<void> => {
    await new Promise((resolve) => door.close(resolve));
    const server = await starting?.catch(() => undefined);
    await server?.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { port, stop };
}
