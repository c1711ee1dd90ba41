// The architecture, as a table that fails the build: which folder may import which, no cycles, and no layer that has become empty.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

/** Folder, and the folders it may import beside itself. The longest folder that holds a file is its layer. */
const LAYERS: ReadonlyArray<readonly [folder: string, mayImport: readonly string[]]> = [
  ["proto/gen", []],
  ["proto", ["proto/gen", "impl/runtime"]],
  ["wire", []],
  ["impl/runtime", ["proto/gen"]],
  ["impl/auth", ["proto/gen", "impl/runtime"]],
  ["impl/storage", ["proto/gen", "impl/runtime"]],
  ["impl/client", ["proto/gen", "wire", "impl/runtime", "impl/auth", "impl/observability"]],
  ["impl/observability", ["proto/gen", "impl/runtime"]],
  ["impl/middleware", ["proto/gen", "impl/runtime", "impl/auth", "impl/observability"]],
  ["impl/gateway", ["proto/gen", "wire", "impl/runtime", "impl/auth", "impl/client", "impl/observability"]],
  ["impl/http", ["proto/gen", "impl/runtime"]],
  ["impl/payment-provider", ["impl/runtime"]],
  ["impl/config", ["impl/middleware"]],
  ["impl/services/shared", ["proto/gen", "impl/runtime", "impl/storage"]],
  ...services().map((folder) => [folder, SERVICE()] as const),
  [
    "impl",
    [
      "proto/gen",
      "wire",
      "impl/runtime",
      "impl/auth",
      "impl/client",
      "impl/storage",
      "impl/observability",
      "impl/middleware",
      "impl/gateway",
      "impl/http",
      "impl/payment-provider",
      "impl/config",
      "impl/services/shared",
      ...services(),
    ],
  ],
  ["harness/random", []],
  ["harness/workload", ["proto/gen", "wire", "harness/random"]],
  ["harness/fault", ["harness/random"]],
  ["harness/load", ["proto/gen", "wire", "harness/random"]],
  ["harness/k6", ["wire"]],
  ["harness/contract", ["proto/gen", "wire"]],
  ["harness/scenario", []],
  ["harness/check", []],
  ["harness/rpc", ["proto/gen", "wire"]],
  ["harness/sut", ["proto/gen", "wire", "harness/workload"]],
  ["harness/shop", ["proto/gen", "wire", "harness/rpc"]],
  ["harness/replay", ["proto/gen", "wire", "harness/shop", "harness/sut", "harness/workload"]],
  [
    "harness/chaos",
    [
      "proto/gen",
      "wire",
      "harness/random",
      "harness/rpc",
      "harness/shop",
      "harness/check",
      "harness/fault",
      "harness/sut",
      "harness/workload",
    ],
  ],
  [
    "harness/experiment",
    [
      "proto/gen",
      "wire",
      "harness/random",
      "harness/load",
      "harness/workload",
      "harness/fault",
      "harness/sut",
    ],
  ],
  ["harness/report", ["harness/load", "harness/experiment"]],
  ["harness/history", ["harness/random", "harness/experiment", "harness/report"]],
  [
    "harness/gate",
    [
      "proto/gen",
      "wire",
      "harness/random",
      "harness/load",
      "harness/workload",
      "harness/sut",
      "harness/experiment",
      "harness/report",
    ],
  ],
  [
    "harness",
    [
      "proto/gen",
      "wire",
      "harness/random",
      "harness/load",
      "harness/k6",
      "harness/workload",
      "harness/fault",
      "harness/sut",
      "harness/rpc",
      "harness/shop",
      "harness/check",
      "harness/scenario",
      "harness/chaos",
      "harness/replay",
      "harness/experiment",
      "harness/report",
      "harness/history",
      "harness/gate",
    ],
  ],
  [
    "scenarios",
    [
      "proto/gen",
      "wire",
      "harness/random",
      "harness/chaos",
      "harness/check",
      "harness/contract",
      "harness/rpc",
      "harness/shop",
      "harness/sut",
      "harness/workload",
    ],
  ],
];

/** Each service is a layer of its own: no two import each other. */
function services(): string[] {
  return readdirSync(join(ROOT, "impl/services"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "shared")
    .map(({ name }) => `impl/services/${name}`);
}

function SERVICE(): readonly string[] {
  return [
    "proto/gen",
    "impl/runtime",
    "impl/auth",
    "impl/client",
    "impl/storage",
    "impl/observability",
    "impl/services/shared",
  ];
}

// A static import or re-export, a bare import, or a dynamic one; at run time unless it says `type`.
const IMPORT =
  /^(?:import|export)\s+(type\s)?[^;"]*?from\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gms;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const sources = ["proto", "wire", "impl", "harness", "scenarios"].flatMap((folder) =>
  typescriptFiles(join(ROOT, folder)),
);
const imports = sources.flatMap(importsOf);

test("every import goes where the table allows", () => {
  const illegal = imports
    .filter(({ from }) => !isTest(from))
    .filter(({ from, to }) => {
      const [source, target] = [layerOf(from), layerOf(to)];
      return source !== target && !mayImport(source).includes(target);
    })
    .map(({ from, to }) => `${from} imports ${to}`);
  expect(illegal).toEqual([]);
});

test("the harness and its scenarios reach the implementation only over the wire", () => {
  const outside = /^(harness|scenarios)\//;
  const illegal = imports.filter(({ from, to }) => outside.test(from) && to.startsWith("impl/"));
  expect(illegal).toEqual([]);
});

test("no module imports itself through others at run time", () => {
  const graph = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports) {
    if (!typeOnly) graph.set(from, [...(graph.get(from) ?? []), to]);
  }
  expect(cycles(graph)).toEqual([]);
});

test("no layer of the table is empty", () => {
  const empty = LAYERS.map(([folder]) => folder).filter(
    (folder) => !sources.some((file) => layerOf(file) === folder),
  );
  expect(empty).toEqual([]);
});

test("only the named files read the clock, make timers and random numbers, read the environment or print", () => {
  const owners: ReadonlyArray<readonly [pattern: RegExp, files: RegExp]> = [
    [/\bprocess\.env\b/, /^impl\/config\.ts$|^(harness|scenarios)\/|^proto\/api-docs\.ts$/],
    [
      /\bDate\.now\(|\bMath\.random\(|\brandomUUID\(/,
      /^impl\/runtime\/(clock|ids)\.ts$|^(harness|scenarios)\/|^wire\//,
    ],
    [/(?<!\.)\bset(Timeout|Interval)\(/, /^impl\/runtime\/clock\.ts$|^(harness|scenarios)\/|^wire\//],
    [/\bconsole\./, /^$/],
  ];
  const offenders = sources
    .filter((file) => !isTest(file) && !file.includes(".bench.") && !file.startsWith("proto/gen/"))
    .flatMap((file) => {
      const code = readFileSync(join(ROOT, file), "utf8");
      return owners
        .filter(([pattern, files]) => !files.test(file) && pattern.test(code))
        .map(([p]) => `${file}: ${p}`);
    });
  expect(offenders).toEqual([]);
});

test("the finder of cycles finds one", () => {
  const graph = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["b"]],
  ]);
  expect(cycles(graph)).toEqual(["b -> c -> b"]);
});

function typescriptFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

function importsOf(file: string): Import[] {
  const code = readFileSync(join(ROOT, file), "utf8");
  return [...code.matchAll(IMPORT)].flatMap(([, type, named, bare, dynamic]) => {
    const to = resolveImport(file, named ?? bare ?? dynamic ?? "");
    return to === undefined ? [] : [{ from: file, to, typeOnly: type !== undefined }];
  });
}

function resolveImport(file: string, specifier: string): string | undefined {
  if (specifier.startsWith("#proto/")) return specifier.replace("#proto/", "proto/gen/");
  if (specifier.startsWith("#")) return specifier.slice(1);
  if (!specifier.startsWith(".")) return undefined;
  const target = relative(ROOT, resolve(ROOT, dirname(file), specifier));
  return target.startsWith("node_modules") ? undefined : target;
}

function layerOf(file: string): string {
  const layers = LAYERS.map(([folder]) => folder).filter((folder) => file.startsWith(`${folder}/`));
  return layers.sort((a, b) => b.length - a.length)[0] ?? file;
}

function mayImport(layer: string): readonly string[] {
  return LAYERS.find(([folder]) => folder === layer)?.[1] ?? [];
}

function isTest(file: string): boolean {
  return file.endsWith(".test.ts") || file.endsWith(".bench.ts") || file.includes("/testing/");
}

/** One line for each cycle that a depth-first walk closes. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) {
      found.push([...path.slice(path.indexOf(node)), node].join(" -> "));
      return;
    }
    if (done.has(node)) return;
    for (const next of graph.get(node) ?? []) walk(next, [...path, node]);
    done.add(node);
  };
  for (const node of graph.keys()) walk(node, []);
  return found;
}
