// Entry: starts the system, says where it is and how to try it, and stops it cleanly on SIGINT or SIGTERM. A second signal ends it at once.

import { Socket } from "node:net";
import { permissionsOf } from "./auth/roles.ts";
import { signToken } from "./auth/sign-token.ts";
import { boot, type RunningSystem } from "./boot.ts";
import { configFromEnvironment } from "./config.ts";
import { systemClock } from "./runtime/clock.ts";
import { newId } from "./runtime/ids.ts";

const DEVELOPMENT_TOKEN_SECONDS = 12 * 3_600;

async function main(): Promise<void> {
  const config = configFromEnvironment();
  const supervised = config.SUPERVISED === "1";
  const stopping = supervised ? Promise.race([firstSignal(), endOfInput()]) : firstSignal();
  const system = await boot(config);
  process.on("uncaughtException", (error) => {
    // A defect, in a state that nobody knows: say what it was, and let whoever supervises the process start a fresh one.
    system.logging.fatal(error, "uncaught exception");
    process.exit(1);
  });
  system.logging.print(`ready grpc=${system.grpc} admin=${system.admin}`);
  if (system.http !== undefined) {
    system.logging.print(`http ${system.encrypted ? "https" : "http"}://${system.http}/openapi.json`);
  }
  if (!supervised) system.logging.print(await howToTry(system));
  await stopping;
  await system.stop();
}

/** Resolves at the first signal to stop; the second one ends the process. */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    let seen = false;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (seen) process.exit(1);
        seen = true;
        resolve();
      });
    }
  });
}

/** Whoever started the process holds the other end: it has ended when that ends, however it did. */
function endOfInput(): Promise<void> {
  return new Promise((resolve) => {
    const input = process.stdin
      .once("end", resolve)
      .once("error", () => resolve())
      .resume();
    // The process ends when it has stopped, whether or not the other end is still held.
    if (input instanceof Socket) input.unref();
  });
}

async function howToTry(system: RunningSystem): Promise<string> {
  const [options, scheme] = system.encrypted ? ["-k ", "https"] : ["--http2-prior-knowledge ", "http"];
  const call = (method: string, header: string, body: string): string =>
    `  node_modules/.bin/buf curl --protocol grpc ${options}${header}-d '${body}' ${scheme}://${system.grpc}/ecommerce.v1.${method}`;
  const lines = ["try:", call("ProductService/SearchProducts", "", '{"pageSize":3}')];
  if (system.developmentKey === undefined) return lines.join("\n");
  const token = await signToken(
    system.developmentKey,
    {
      userId: newId(),
      roles: ["administrator"],
      permissions: permissionsOf(["administrator"]),
      lifetimeSeconds: DEVELOPMENT_TOKEN_SECONDS,
    },
    systemClock,
  );
  const product =
    '{"product":{"sku":"LANTERN-1","name":"White metal lantern","category":"lanterns","price":{"currencyCode":"GBP","units":"3","nanos":390000000}}}';
  return [
    ...lines,
    "with every permission, for 12 hours:",
    `  TOKEN=${token}`,
    call("ProductService/CreateProduct", '-H "authorization: Bearer $TOKEN" ', product),
  ].join("\n");
}

try {
  await main();
} catch (error) {
  // Before the log exists, and for people: what is wrong, in one piece.
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
}
