// What one call costs this generator, and what it would cost one made of the usual client: the same read through both, turn by
// turn, in the process and on the core that make the load.

import { Metadata } from "@grpc/grpc-js";
import { generatorCandidate, measureGeneratorCost } from "#harness/load/generator-cost.ts";
import { createGrpcJsDriver } from "#harness/load/grpc-js-driver.ts";
import { connectWireDriver } from "#harness/load/wire-driver.ts";
import type { SeededShop } from "#harness/sut/seed-shop.ts";
import type { Address } from "#harness/sut/start-system.ts";
import { GetProductRequest } from "#proto/ecommerce/v1/product_service.ts";

/** Of the generator to each system, by link; equal for all that are compared. */
export const connectionsPerArm = 2;

/** Microseconds of CPU in this process for one call. Rejects when a call does not end in OK. */
export async function measureGenerator(
  address: Address,
  token: string,
  seeded: SeededShop,
  quick: boolean,
): Promise<{ readonly wire: number; readonly grpcJs: number }> {
  const [productId = ""] = seeded.productIds.values();
  const path = "/ecommerce.v1.ProductService/GetProduct";
  const message = Buffer.from(GetProductRequest.encode(GetProductRequest.create({ productId })).finish());
  const authorization = `Bearer ${token}`;
  const wire = await connectWireDriver({ ...address, connections: connectionsPerArm });
  const grpcJs = createGrpcJsDriver(`${address.host}:${address.port}`);
  try {
    const prepared = wire.prepare({ path, message, metadata: [["authorization", authorization]] });
    const metadata = new Metadata();
    metadata.set("authorization", authorization);
    const [ours, theirs] = await measureGeneratorCost({
      candidates: [
        generatorCandidate({ name: "wire", driver: wire, request: () => prepared }),
        generatorCandidate({ name: "grpc-js", driver: grpcJs, request: () => ({ path, message, metadata }) }),
      ],
      turnMs: quick ? 200 : 500,
      rounds: quick ? 2 : 3,
    });
    return { wire: ours?.cpuMicrosPerCall ?? 0, grpcJs: theirs?.cpuMicrosPerCall ?? 0 };
  } finally {
    grpcJs.close();
    await wire.close();
  }
}
