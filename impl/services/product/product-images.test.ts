import { createHash, randomBytes, randomUUID } from "node:crypto";
import * as nodeFiles from "node:fs/promises";
import { readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { failure, present, violations } from "#impl/client/testing/answers.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import type { UploadProductImageRequest } from "#proto/ecommerce/v1/product_service.ts";
import { type FileSystem, openImageFiles } from "./image-files.ts";
import { create, productFixture } from "./testing/product-fixture.ts";

/** The file system, of which one operation can be made to fail. */
let broken: "write" | "rename" | undefined;
let fault: "ENOSPC" | "EIO" = "ENOSPC";
const refuse = (code: string) => Object.assign(new Error(`${code}: as the test wanted`), { code });
const files: FileSystem = {
  ...nodeFiles,
  open: async (...given) => {
    const file = await nodeFiles.open(...given);
    if (broken !== "write") return file;
    return Object.assign(file, { appendFile: () => Promise.reject(refuse(fault)) });
  },
  rename: async (...given) => {
    if (broken === "rename") throw refuse(fault);
    await nodeFiles.rename(...given);
  },
};
const { client, imageFolder } = await productFixture({ files });

const sha256 = (content: Uint8Array) => createHash("sha256").update(content).digest();
const header = (productId: string, content: Uint8Array, changes = {}): UploadProductImageRequest => ({
  part: {
    $case: "header",
    value: {
      productId,
      contentType: "image/png",
      sizeBytes: BigInt(content.byteLength),
      sha256: sha256(content),
      altText: "A lamp",
      ...changes,
    },
  },
});
const chunk = (value: Uint8Array): UploadProductImageRequest => ({ part: { $case: "chunk", value } });
function chunks(content: Buffer, size = 65_536): UploadProductImageRequest[] {
  const count = Math.ceil(content.byteLength / size);
  return Array.from({ length: count }, (_, n) => chunk(content.subarray(n * size, (n + 1) * size)));
}
const upload = (productId: string, content: Buffer) =>
  client.uploadProductImage([header(productId, content), ...chunks(content)]);
const incoming = () => readdir(join(imageFolder, "incoming"));
const stored = (content: Buffer) => {
  const name = sha256(content).toString("hex");
  return stat(join(imageFolder, name.slice(0, 2), name.slice(2))).then(
    ({ size }) => size,
    () => undefined,
  );
};
const imagesOf = async (productId: string) =>
  present((await client.getProduct({ productId, readMask: ["images"] })).product).images;
const download = (productId: string, imageId: string) =>
  Array.fromAsync(client.downloadProductImage({ productId, imageId }));

describe("an upload", () => {
  test("stores a picture that the product then has, and that can be read back", async () => {
    const { productId, etag } = await create(client);
    const content = randomBytes(200_000);
    const { image } = await upload(productId, content);
    expect(image).toEqual({
      imageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      contentType: "image/png",
      sizeBytes: 200_000n,
      sha256: sha256(content),
      altText: "A lamp",
    });
    const { product } = await client.getProduct({ productId, readMask: undefined });
    expect(product?.images).toEqual([image]);
    expect(product?.etag).not.toBe(etag);
    const pieces = await download(productId, present(image).imageId);
    expect(Buffer.concat(pieces.map((piece) => piece.chunk)).equals(content)).toBe(true);
    expect(pieces.map((piece) => piece.image)).toEqual([image, ...Array(pieces.length - 1).fill(undefined)]);
    expect(Math.max(...pieces.map((piece) => piece.chunk.byteLength))).toBe(65_536);
    expect(await incoming()).toEqual([]);
  });

  test("of the same content is stored once on a product, and as one file for all products", async () => {
    const [a, b] = [await create(client), await create(client)];
    const content = randomBytes(1_000);
    const answers = await Promise.all([upload(a.productId, content), upload(a.productId, content)]);
    expect(answers[0]).toEqual(answers[1]);
    expect(await imagesOf(a.productId)).toHaveLength(1);
    const { image } = await upload(b.productId, content);
    expect(image?.imageId).not.toBe(answers[0]?.image?.imageId);
    expect(await download(b.productId, present(image).imageId)).toHaveLength(1);
  });

  test("of a seventeenth picture is refused, also when many come at the same time", async () => {
    const { productId } = await create(client);
    const contents = Array.from({ length: 18 }, () => randomBytes(100));
    const outcomes = await Promise.allSettled(contents.map((content) => upload(productId, content)));
    const refused = outcomes.flatMap((outcome, n) => (outcome.status === "rejected" ? [{ outcome, n }] : []));
    expect(refused).toHaveLength(2);
    for (const { outcome, n } of refused) {
      expect(outcome.reason).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "TOO_MANY_IMAGES" });
      expect(await stored(present(contents[n]))).toBeUndefined();
    }
    expect(await imagesOf(productId)).toHaveLength(16);
    expect(await incoming()).toEqual([]);
  });
});

describe("nothing is left behind", () => {
  const content = randomBytes(1_000);
  const other = randomBytes(1_000);

  test.each([
    ["IMAGE_DIGEST_MISMATCH", chunks(other)],
    ["IMAGE_TOO_SHORT", chunks(content).slice(1)],
    ["IMAGE_TOO_SHORT", chunks(content.subarray(1))],
    ["IMAGE_TOO_LONG", [...chunks(content), chunk(other)]],
  ])("by content that is not the announced one: %s", async (reason, parts) => {
    const { productId } = await create(client);
    const error = await failure(client.uploadProductImage([header(productId, content), ...parts]));
    expect(error).toMatchObject({ code: Code.DATA_LOSS, reason });
    expect(await incoming()).toEqual([]);
    expect(await stored(content)).toBeUndefined();
    expect(await imagesOf(productId)).toEqual([]);
  });

  test("by a call that is cancelled half-way", async () => {
    const { productId } = await create(client);
    const abort = new AbortController();
    async function* half() {
      yield header(productId, content);
      yield chunk(content.subarray(0, 500));
      await expect.poll(incoming).toHaveLength(1);
      abort.abort();
    }
    const call = client.uploadProductImage(half(), { signal: abort.signal });
    expect((await failure(call)).code).toBe(Code.CANCELLED);
    await expect.poll(incoming).toEqual([]);
    expect(await imagesOf(productId)).toEqual([]);
  });

  test.each([
    ["write", "ENOSPC", Code.RESOURCE_EXHAUSTED, "IMAGE_STORAGE_FULL"],
    ["rename", "ENOSPC", Code.RESOURCE_EXHAUSTED, "IMAGE_STORAGE_FULL"],
    ["write", "EIO", Code.INTERNAL, "INTERNAL"],
    ["rename", "EIO", Code.INTERNAL, "INTERNAL"],
  ] as const)(
    "by a %s that fails with %s, and no row refers to a file",
    async (operation, why, code, reason) => {
      const { productId } = await create(client);
      [broken, fault] = [operation, why];
      const error = await failure(upload(productId, content)).finally(() => {
        broken = undefined;
      });
      expect(error).toMatchObject({ code, reason });
      expect(await incoming()).toEqual([]);
      expect(await stored(content)).toBeUndefined();
      expect(await imagesOf(productId)).toEqual([]);
    },
  );

  test("by a process that was killed, once another one opens the folder", async () => {
    const old = join(imageFolder, "incoming", "old.part");
    const young = join(imageFolder, "incoming", "young.part");
    await Promise.all([writeFile(old, "x"), writeFile(young, "x")]);
    const longAgo = new Date(systemClock.now() - 2 * 3_600_000);
    await utimes(old, longAgo, longAgo);
    await openImageFiles({ folder: imageFolder, newId, clock: systemClock });
    expect(await incoming()).toEqual(["young.part"]);
    await nodeFiles.rm(young);
  });
});

describe("an upload is refused", () => {
  const content = randomBytes(10);

  test("for a product that is deleted or unknown, before its content is sent", async () => {
    const { productId } = await create(client);
    await client.deleteProduct({ productId, etag: "" });
    for (const id of [productId, randomUUID()]) {
      async function* endless() {
        yield header(id, content);
        await new Promise(() => {});
      }
      expect((await failure(client.uploadProductImage(endless()))).code).toBe(Code.NOT_FOUND);
    }
  });

  test.each([
    [{ contentType: "image/svg+xml" }, "header.content_type: string.in"],
    [{ sizeBytes: 10_485_761n }, "header.size_bytes: int64.gte_lte"],
    [{ sha256: new Uint8Array(20) }, "header.sha256: bytes.len"],
    [{ altText: "a\0b" }, "header.alt_text: text.nul"],
  ])("with a header of %o", async (changes, violation) => {
    const { productId } = await create(client);
    const error = await failure(
      client.uploadProductImage([header(productId, content, changes), chunk(content)]),
    );
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
    expect(violations(error)).toEqual([violation]);
  });

  test("without a header, with a second one, and when it is empty", async () => {
    const { productId } = await create(client);
    const first = header(productId, content);
    for (const parts of [[], [chunk(content)], [first, first], [first, chunk(content), first]]) {
      const error = await failure(client.uploadProductImage(parts));
      expect(error.code).toBe(Code.INVALID_ARGUMENT);
      expect(violations(error)).toEqual(["header: stream.order"]);
    }
    expect(await incoming()).toEqual([]);
  });
});

describe("a download", () => {
  test("of an unknown product or picture is NOT_FOUND; a deleted product keeps its pictures", async () => {
    const { productId } = await create(client);
    const image = present((await upload(productId, randomBytes(10))).image);
    expect((await failure(download(randomUUID(), image.imageId))).code).toBe(Code.NOT_FOUND);
    expect((await failure(download(productId, randomUUID()))).code).toBe(Code.NOT_FOUND);
    await client.deleteProduct({ productId, etag: "" });
    expect(await download(productId, image.imageId.toUpperCase())).toHaveLength(1);
  });

  // Only Linux tells which files a process has open.
  test.runIf(process.platform === "linux")("that is left early closes its file", async () => {
    const { productId } = await create(client);
    const image = present((await upload(productId, randomBytes(3_000_000))).image);
    const openFiles = async () => {
      const links = await readdir("/proc/self/fd");
      const targets = await Promise.all(
        links.map((fd) => nodeFiles.readlink(`/proc/self/fd/${fd}`).catch(() => "")),
      );
      return targets.filter((target) => target.startsWith(imageFolder)).length;
    };
    for await (const { chunk: piece } of client.downloadProductImage({ productId, imageId: image.imageId })) {
      expect(piece.byteLength).toBeGreaterThan(0);
      break;
    }
    await expect.poll(openFiles).toBe(0);
  });
});
