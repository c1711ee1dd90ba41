// Asks the system whether it serves, over the standard health service, until it does.

import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "#wire/client.ts";
import type { Address } from "./start-system.ts";

/** HealthCheckRequest for the whole server is empty; HealthCheckResponse is field 1, 1 for SERVING. */
const wholeServer = new Uint8Array(0);
const servingResponse = Buffer.from([0x08, 0x01]);
const pollMs = 25;

/** Resolves at SERVING. Rejects with the signal's reason; a system that is not up yet is asked again. */
export async function untilServing({ host, port }: Address, signal: AbortSignal): Promise<void> {
  while (!(await isServing(host, port, signal))) await sleep(pollMs, undefined, { signal });
}

async function isServing(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  const connection = await connect({ host, port, signal }).catch(() => undefined);
  signal.throwIfAborted();
  if (!connection) return false;
  try {
    const { message } = await connection.call({ path: "/grpc.health.v1.Health/Check", message: wholeServer });
    return message?.equals(servingResponse) === true;
  } finally {
    await connection.close();
  }
}
