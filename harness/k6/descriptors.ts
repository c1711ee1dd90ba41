// The messages that a script may send: from a compiled descriptor set, or from .proto files, which buf compiles. Loaded once however
// many virtual users ask for the same.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry, type DescMethod, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const loaded = new Map<string, FileRegistry>();

/** `file` is relative to the script. */
export function loadProtoset(directory: string, file: string): FileRegistry {
  return remembered(pathOf(directory, file), readFileSync);
}

/** `importPaths` are relative to the script, or file:// URLs; `files` are relative to one of them. */
export function loadProtos(
  directory: string,
  importPaths: readonly string[],
  files: readonly string[],
): FileRegistry {
  const [path = directory, ...more] = importPaths.map((each) => pathOf(directory, each));
  if (more.length > 0) throw new Error(`load: one import path only, not ${importPaths.join(", ")}`);
  return remembered(`${path}: ${files.join(", ")}`, () => compile(path, files));
}

function compile(path: string, files: readonly string[]): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), "k6-protos-"));
  try {
    const output = join(directory, "image.binpb");
    const only = files.flatMap((file) => ["--path", join(path, file)]);
    execFileSync("buf", ["build", path, ...only, "--as-file-descriptor-set", "-o", output], {
      stdio: "pipe",
    });
    return readFileSync(output);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function pathOf(directory: string, given: string): string {
  return given.startsWith("file:") ? fileURLToPath(given) : resolve(directory, given);
}

function remembered(key: string, read: (key: string) => Uint8Array): FileRegistry {
  const known = loaded.get(key);
  if (known !== undefined) return known;
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, read(key)));
  loaded.set(key, registry);
  return registry;
}

export interface GrpcMethod {
  /** "pkg.Service" and "Method". */
  readonly service: string;
  readonly name: string;
  readonly descriptor: DescMethod;
  readonly registry: FileRegistry;
}

/** `url` with or without a leading "/": "pkg.Service/Method". Throws for one that was not loaded. */
export function findMethod(registry: FileRegistry | undefined, url: string): GrpcMethod {
  const [service = "", name = ""] = url.replace(/^\//, "").split("/");
  const descriptor = registry?.getService(service)?.methods.find((method) => method.name === name);
  if (registry === undefined || descriptor === undefined)
    throw new Error(`method "/${service}/${name}" not found in file descriptors`);
  return { service, name, descriptor, registry };
}
