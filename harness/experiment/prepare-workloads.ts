// The two workloads as prepared requests: reads of single products and customers in the order of the source, and pages of
// search results of about 16 kB whose words are as popular as the products they come from.

import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { SeededShop } from "#harness/sut/seed-shop.ts";
import { type Read, reads } from "#harness/workload/reads.ts";
import type { Shop } from "#harness/workload/shop.ts";
import { weightedChoice } from "#harness/workload/weighted-choice.ts";
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
import { pageFillingTerms } from "./page-filling-terms.ts";
import type { Workload } from "./workload.ts";

export interface WorkloadSource {
  readonly connection: WireConnection;
  readonly token: string;
  readonly seeded: SeededShop;
  readonly shop: Shop;
  /** The e-mail address under which a customer was imported. */
  readonly emailOf: (customerId: string) => string;
  readonly random: SeededRandom;
}

const pageBytes = 16_384;
const searchSequenceLength = 4096;
const mostWords = 40;

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

/** One pass over the baskets in the order of the invoices, endlessly repeated. */
function hotReads(source: WorkloadSource): Workload {
  const { shop, random } = source;
  const wanted = shop.baskets.reduce(
    (sum, basket) => sum + basket.products.length + (basket.customer === null ? 0 : 1),
    0,
  );
  const prepared = new Map<string, PreparedRequest>();
  const sequence: PreparedRequest[] = [];
  let products = 0;
  for (const read of reads(shop, random.fork("reads"), { order: "replay" }).take(wanted)) {
    const request = readRequest(read, source);
    if (!request) continue;
    const known = prepared.get(request.id) ?? source.connection.prepare({ ...headOf(source), ...request });
    prepared.set(request.id, known);
    sequence.push(known);
    if (read.kind === "getProduct") products++;
  }
  const [first] = sequence;
  if (!first) throw new NoWorkloadError("no basket names a product or customer that was imported");
  return {
    id: "hot-reads",
    description: `GetProduct (${Math.round((100 * products) / sequence.length)} %) and GetUser: ${sequence.length} reads of ${prepared.size} distinct ones, as ${shop.baskets.length} baskets make them, over and over`,
    request: (index) => sequence[index % sequence.length] ?? first,
    concurrency: { loopback: 32, shaped: 16 },
  };
}

/** Undefined for what the system refused to import. */
function readRequest(read: Read, { seeded, emailOf }: WorkloadSource) {
  if (read.kind === "searchProducts") return undefined;
  const isProduct = read.kind === "getProduct";
  const id = isProduct ? seeded.productIds.get(read.sku) : seeded.userIds.get(emailOf(read.customerId));
  if (id === undefined) return undefined;
  return isProduct
    ? {
        id,
        path: "/ecommerce.v1.ProductService/GetProduct",
        message: GetProductRequest.encode(GetProductRequest.create({ productId: id })).finish(),
      }
    : {
        id,
        path: "/ecommerce.v1.UserService/GetUser",
        message: GetUserRequest.encode(GetUserRequest.create({ userId: id })).finish(),
      };
}

const searchPath = "/ecommerce.v1.ProductService/SearchProducts";

async function searchPages(source: WorkloadSource): Promise<Workload> {
  const bytesEach = await bytesOfProduct(source);
  const pageSize = Math.min(200, Math.max(1, Math.round(pageBytes / bytesEach)));
  const words = pageFillingTerms(source.shop, pageSize).slice(0, mostWords);
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
  const choose = weightedChoice(words.map((term) => term.weight));
  const random = source.random.fork("searches");
  const sequence = Array.from({ length: searchSequenceLength }, () => pages[choose(random)] ?? first);
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
