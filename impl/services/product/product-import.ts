// An import: rows are checked one by one, collected, and stored batch by batch. Every row ends in exactly one of the four
// counts. What it holds at a time is one batch, the errors it will list, and the SKUs it has seen.
import { failedPrecondition, invalidArgument, type RpcError } from "#impl/runtime/rpc-error.ts";
import {
  ImportMode,
  type ImportProductRow,
  type ImportProductsRequest,
  type ImportProductsResponse,
  type ImportRowError,
} from "#proto/ecommerce/v1/product_service.ts";
import type { BatchResult, OnKnownSku } from "./import-batch.ts";
import type { CheckRow } from "./import-row.ts";
import type { NewProduct } from "./product.ts";

export interface ImportLimits {
  /** Rows in a batch at most. Default 500. */
  readonly batchRows: number;
  /** Bytes after which a batch is stored, as the rows are on the wire. Default 1 MiB. */
  readonly batchBytes: number;
  /** Errors that are listed; the others are counted. Default 10,000. */
  readonly listedErrors: number;
  /** Rows with different SKUs in one import. Default 500,000. */
  readonly skus: number;
}

export const DEFAULT_IMPORT_LIMITS: ImportLimits = {
  batchRows: 500,
  batchBytes: 1024 * 1024,
  listedErrors: 10_000,
  skus: 500_000,
};

export interface ImportNeeds {
  readonly checkRow: CheckRow;
  readonly storeBatch: (products: readonly NewProduct[], onKnownSku: OnKnownSku) => Promise<BatchResult>;
  readonly newId: () => string;
  readonly limits: ImportLimits;
}

/** Throws INVALID_ARGUMENT for a header that is not first, FAILED_PRECONDITION (IMPORT_TOO_LARGE) beyond the limit of SKUs. */
export async function importProducts(
  messages: AsyncIterable<ImportProductsRequest>,
  needs: ImportNeeds,
): Promise<ImportProductsResponse> {
  const run = new ImportRun(needs);
  let first = true;
  for await (const { part } of messages) {
    if (part?.$case === "row") {
      run.add(part.value);
      if (run.full) await run.flush();
    } else if (part?.$case === "header" && first) {
      run.onKnownSku = part.value.mode === ImportMode.IMPORT_MODE_CREATE_ONLY ? "keep" : "update";
    } else {
      throw misplaced(part?.$case);
    }
    first = false;
  }
  await run.flush();
  return run.response;
}

interface PendingRow {
  readonly position: bigint;
  readonly rowNumber: bigint;
  readonly product: NewProduct;
}

class ImportRun {
  readonly response: ImportProductsResponse = {
    receivedCount: 0n,
    createdCount: 0n,
    updatedCount: 0n,
    unchangedCount: 0n,
    rejectedCount: 0n,
    errors: [],
  };
  onKnownSku: OnKnownSku = "update";
  readonly #needs: ImportNeeds;
  readonly #skus = new Set<string>();
  #pending: PendingRow[] = [];
  #pendingBytes = 0;
  /** Of the rows since the last batch, for which the order of the stream is made at its end. */
  #rejected: ImportRowError[] = [];

  constructor(needs: ImportNeeds) {
    this.#needs = needs;
  }

  get full(): boolean {
    const { batchRows, batchBytes } = this.#needs.limits;
    return this.#pending.length + this.#rejected.length >= batchRows || this.#pendingBytes >= batchBytes;
  }

  add(row: ImportProductRow): void {
    const { rowNumber } = row;
    const position = this.response.receivedCount++;
    const checked = this.#needs.checkRow(row);
    if ("violation" in checked) {
      const { field, description } = checked.violation;
      this.#reject({ position, rowNumber, reason: "INVALID_ROW", field, message: description });
    } else if (this.#skus.has(checked.sku)) {
      const message = "an earlier row of the import has this SKU";
      this.#reject({ position, rowNumber, reason: "SKU_REPEATED", field: "product.sku", message });
    } else {
      this.#remember(checked.sku);
      const product = { productId: this.#needs.newId(), sku: checked.sku, ...checked.content };
      this.#pending.push({ position, rowNumber, product });
      this.#pendingBytes += checked.bytes;
    }
  }

  async flush(): Promise<void> {
    const rows = this.#pending;
    if (rows.length > 0) {
      const products = rows.map(({ product }) => product);
      this.#tally(rows, await this.#needs.storeBatch(products, this.onKnownSku));
    }
    this.#list(this.#rejected.sort((a, b) => Number(a.position - b.position)));
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#rejected = [];
  }

  #tally(rows: readonly PendingRow[], stored: BatchResult): void {
    for (const { position, rowNumber, product } of rows) {
      const outcome = stored.get(product.sku);
      if (outcome === "created") this.response.createdCount++;
      else if (outcome === "updated") this.response.updatedCount++;
      else if (this.onKnownSku === "update") this.response.unchangedCount++;
      else {
        const message = "a product of the catalogue has this SKU";
        this.#reject({ position, rowNumber, reason: "SKU_EXISTS", field: "product.sku", message });
      }
    }
  }

  #reject(error: ImportRowError): void {
    this.response.rejectedCount++;
    this.#rejected.push(error);
  }

  #list(errors: readonly ImportRowError[]): void {
    const room = this.#needs.limits.listedErrors - this.response.errors.length;
    for (const error of errors.slice(0, Math.max(0, room))) this.response.errors.push(shortened(error));
  }

  #remember(sku: string): void {
    const { skus } = this.#needs.limits;
    if (this.#skus.size >= skus) throw tooLarge(skus);
    this.#skus.add(sku);
  }
}

/** A path can quote a key of any length: what is listed must fit one message, however many errors there are. */
function shortened(error: ImportRowError): ImportRowError {
  return { ...error, field: error.field.slice(0, 64), message: error.message.slice(0, 160) };
}

function misplaced(part: string | undefined): RpcError {
  const field = part ?? "part";
  const description = part === undefined ? "is required" : "may only be in the first message";
  return invalidArgument([{ field, description, reason: "stream.order" }]);
}

function tooLarge(skus: number): RpcError {
  return failedPrecondition(
    "IMPORT_TOO_LARGE",
    "import",
    `one import can have ${skus} SKUs: send the rest in another`,
  );
}
