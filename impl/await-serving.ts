// Waits until services are SERVING by grpc.health.v1, as seen through one address.
import { type ChannelCredentials, Client } from "@grpc/grpc-js";
import { type Clock, sleep } from "./runtime/clock.ts";

const CHECK = "/grpc.health.v1.Health/Check";
const EVERY_MS = 100;
/** HealthCheckResponse { status: SERVING }. */
const SERVING = Buffer.of(0x08, 0x01);

/** Rejects with the signal's reason when that aborts before. */
export async function awaitServing(
  address: string,
  services: readonly string[],
  options: { readonly credentials: ChannelCredentials; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const channel = new Client(address, options.credentials);
  try {
    for (const service of services) {
      while (!(await isServing(channel, service))) await sleep(options.clock, EVERY_MS, options.signal);
    }
  } finally {
    channel.close();
  }
}

/** A service name is shorter than 128 bytes, so its length is one byte. */
function isServing(channel: Client, service: string): Promise<boolean> {
  const request = Buffer.concat([Buffer.of(0x0a, service.length), Buffer.from(service)]);
  const pass = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve) => {
    channel.makeUnaryRequest(CHECK, pass, pass, request, (error, response) =>
      resolve(error === null && response?.equals(SERVING) === true),
    );
  });
}
