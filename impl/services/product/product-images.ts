// Pictures of products: the file and the row that refers to it change together. The file gets its name inside the
// transaction, after the row has accepted the picture: so no row refers to a file that is not there, and a refused
// picture leaves no file.
import type { NewId } from "#impl/runtime/ids.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import type { ImageFiles } from "./image-files.ts";
import type { Upload } from "./image-upload.ts";
import { MAX_IMAGES, PRODUCT_TYPE, type Product, type ProductImage, tooManyImages } from "./product.ts";
import type { ProductStore } from "./product-store.ts";

export interface ImageNeeds {
  readonly store: ProductStore;
  readonly files: ImageFiles;
  readonly newId: NewId;
}

export async function addImage(
  { header, chunks }: Upload,
  { store, files, newId }: ImageNeeds,
  signal: AbortSignal,
): Promise<ProductImage> {
  requireStorableText({ altText: header.altText }, "header");
  const image: ProductImage = {
    imageId: newId(),
    contentType: header.contentType,
    sizeBytes: Number(header.sizeBytes),
    sha256: Buffer.from(header.sha256).toString("hex"),
    altText: header.altText,
  };
  // What can be refused is refused before its content is sent, and decided again under the lock.
  acceptedBy(await findLive(store, header.productId, signal), image);
  const file = await files.receive(image, chunks);
  try {
    return await store.write(signal, async (writer) => {
      const product = await writer.lockLive(header.productId);
      const accepted = acceptedBy(product, image);
      if (accepted !== image) return accepted;
      await writer.replaceImages(product, [...product.images, image]);
      await file.place();
      return image;
    });
  } finally {
    await file.discard();
  }
}

/** The picture itself, or the one with the same content that the product has already. */
function acceptedBy(product: Product, image: ProductImage): ProductImage {
  const same = product.images.find(({ sha256 }) => sha256 === image.sha256);
  if (same !== undefined) return same;
  if (product.images.length >= MAX_IMAGES) throw tooManyImages(product.productId);
  return image;
}

async function findLive(store: ProductStore, productId: string, signal: AbortSignal): Promise<Product> {
  const product = await store.find(productId, signal);
  if (product === undefined || product.deleteTime !== undefined) throw notFound(PRODUCT_TYPE, productId);
  return product;
}

/** NOT_FOUND when there is no such product, or no such picture of it. Deleted products keep theirs. */
export async function findImage(
  store: ProductStore,
  productId: string,
  imageId: string,
  signal: AbortSignal,
): Promise<ProductImage> {
  const product = await store.find(productId, signal);
  if (product === undefined) throw notFound(PRODUCT_TYPE, productId);
  const wanted = imageId.toLowerCase();
  const image = product.images.find((candidate) => candidate.imageId === wanted);
  if (image === undefined) throw notFound("ecommerce.v1.ProductImage", imageId);
  return image;
}
