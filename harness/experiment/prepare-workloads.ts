// The two workloads as prepared requests: reads of single products and customers in the order of the source, and pages of
// search results of about 16 kB whose words are as popular as the products they come from.

import type { SeededRandom } from "#harness/load/random.ts";
import type { SeededShop } from "#harness/sut/seed-shop.ts";
import {
  GetProductRequest,
  SearchProductsRequest,
  SearchProductsResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import { GetUserRequest } from "#proto/ecommerce/v1/user.ts";
import type { WireConnection } from "#wire/connection.ts";
import { GrpcStatus } from "#wire/grpc-status.ts";
import type { MetadataEntry } from "#wire/metadata.ts";
import type { PreparedRequest } from "#wire/prepared-request.ts";
import { searchQueries, type WeightedWord } from "./search-queries.ts";
import type { Workload } from "./workload.ts";

/** One read of the trace, in terms of the shop that was imported. */
export type Read =
  | { readonly kind: "product"; readonly sku: string }
  | { readonly kind: "customer"; readonly email: string };

export interface WorkloadSource {
  readonly connection: WireConnection;
  readonly token: string;
  readonly seeded: SeededShop;
  /** Name of each product by SKU. */
  readonly names: ReadonlyMap<string, string>;
  readonly reads: readonly Read[];
  readonly random: SeededRandom;
}

const pageBytes = 16_384;
const searchSequenceLength = 4096;

export class NoWorkloadError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "NoWorkloadError";
  }
}

/** Fails with NoWorkloadError when the shop is too small for one of them. */
export async function prepareWorkloads(source: WorkloadSource): Promise<Workload[]> {
  return [hotReads(source), await searchPages(source)];
}

function headOf(source: WorkloadSource): { metadata: MetadataEntry[]; acceptEncoding: string } {
  return {
    metadata: [
      ["authorization", `Bearer ${source.token}`],
      ["x-accept-encoding", "gzip"],
    ],
    acceptEncoding: "gzip",
  };
}

function hotReads(source: WorkloadSource): Workload {
  const prepared = new Map<string, PreparedRequest>();
  const sequence = source.reads.flatMap((read) => {
    const request = readRequest(read, source);
    if (!request) return [];
    const key = `${request.path} ${request.id}`;
    const known = prepared.get(key) ?? source.connection.prepare({ ...headOf(source), ...request });
    prepared.set(key, known);
    return [known];
  });
  const [first] = sequence;
  if (!first) throw new NoWorkloadError("the source has no read of a product or customer that was imported");
  const products = source.reads.filter((read) => read.kind === "product").length;
  return {
    id: "hot-reads",
    description: `GetProduct and GetUser (${Math.round((100 * products) / source.reads.length)} % products): ${sequence.length} reads of ${prepared.size} distinct ones, in the order of the source`,
    request: (index) => sequence[index % sequence.length] ?? first,
    concurrency: { loopback: 32, shaped: 16 },
  };
}

function readRequest(read: Read, { seeded }: WorkloadSource) {
  if (read.kind === "product") {
    const id = seeded.productIds.get(read.sku);
    if (id === undefined) return undefined;
    const message = GetProductRequest.encode(GetProductRequest.create({ productId: id })).finish();
    return { id, path: "/ecommerce.v1.ProductService/GetProduct", message };
  }
  const id = seeded.userIds.get(read.email);
  if (id === undefined) return undefined;
  const message = GetUserRequest.encode(GetUserRequest.create({ userId: id })).finish();
  return { id, path: "/ecommerce.v1.UserService/GetUser", message };
}

const searchPath = "/ecommerce.v1.ProductService/SearchProducts";

async function searchPages(source: WorkloadSource): Promise<Workload> {
  const bytesEach = await bytesOfProduct(source);
  const pageSize = Math.min(200, Math.max(1, Math.round(pageBytes / bytesEach)));
  const words = searchQueries({
    catalogue: [...source.names.values()],
    read: source.reads.flatMap((read) => (read.kind === "product" ? (source.names.get(read.sku) ?? []) : [])),
    minMatches: pageSize,
    mostWords: 40,
  });
  if (words.length === 0) {
    throw new NoWorkloadError(`no word is in ${pageSize} product names, as a page of 16 kB needs`);
  }
  const pages = words.map(({ word }) =>
    source.connection.prepare({
      ...headOf(source),
      path: searchPath,
      message: searchMessage(word, pageSize),
    }),
  );
  const [first] = pages;
  const sequence = Array.from(
    { length: searchSequenceLength },
    () => pages[draw(words, source.random)] ?? first,
  );
  return {
    id: "search-pages",
    description: `SearchProducts: ${words.length} distinct words as popular as the products they name (the most popular: "${words[0]?.word}"), pages of ${pageSize} products of about ${Math.round(bytesEach)} B`,
    request: (index) => {
      const request = sequence[index % sequence.length];
      if (!request) throw new RangeError(`no search at index ${index}`);
      return request;
    },
    concurrency: { loopback: 16, shaped: 8 },
  };
}

function searchMessage(query: string, pageSize: number): Uint8Array {
  return SearchProductsRequest.encode(SearchProductsRequest.create({ query, pageSize })).finish();
}

/** Mean encoded size over a page of the catalogue. */
async function bytesOfProduct(source: WorkloadSource): Promise<number> {
  const result = await source.connection.call({ path: searchPath, message: searchMessage("", 100) });
  if (result.grpcStatus !== GrpcStatus.OK || !result.message) {
    throw new NoWorkloadError(
      `SearchProducts failed with status ${result.grpcStatus}: ${result.grpcMessage}`,
    );
  }
  const { products } = SearchProductsResponse.decode(result.message);
  if (products.length === 0) throw new NoWorkloadError("the catalogue is empty");
  return result.message.byteLength / products.length;
}

/** Index of a word, as likely as its weight. */
function draw(words: readonly WeightedWord[], random: SeededRandom): number {
  const total = words.reduce((sum, word) => sum + word.weight, 0);
  let rest = random.next() * total;
  for (const [i, { weight }] of words.entries()) {
    rest -= weight;
    if (rest < 0) return i;
  }
  return words.length - 1;
}
