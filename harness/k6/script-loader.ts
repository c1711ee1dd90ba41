// Loads a script as k6 does: once for each virtual user, with state of its own, the files it imports included. The modules "k6" and
// "k6/..." are ours, and the same for all.

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { currentVu, requireInit, type VuContext, vuStorage } from "./vu-context.ts";

const SHIMS: Readonly<Record<string, string>> = {
  k6: "./shim/k6.ts",
  "k6/data": "./shim/data.ts",
  "k6/execution": "./shim/execution.ts",
  "k6/metrics": "./shim/metrics.ts",
  "k6/net/grpc": "./shim/grpc.ts",
  "k6/timers": "./shim/timers.ts",
};

const VU = "vu";

export type Script = Readonly<Record<string, unknown>>;

/** Makes the modules and globals of k6 known to this process. To be called once. */
export function installK6(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const shim = SHIMS[specifier];
      if (shim !== undefined) return { url: new URL(shim, import.meta.url).href, shortCircuit: true };
      const vu = vuOf(context.parentURL);
      if (vu === undefined) return next(specifier, context);
      if (!specifier.startsWith(".") && !specifier.startsWith("file:")) {
        throw new Error(
          `a script cannot import "${specifier}": only k6's modules and relative paths that end in .ts`,
        );
      }
      const url = new URL(specifier, context.parentURL);
      if (url.pathname.endsWith(".ts")) url.searchParams.set(VU, vu);
      return { ...next(url.href, context), url: url.href };
    },
  });
  Object.defineProperty(globalThis, "__ENV", { get: environment });
  Object.assign(globalThis, { open });
  // A script that was seeded is to be repeatable, and Math.random is what it has.
  const { random } = Math;
  Math.random = () => (vuStorage.getStore()?.random ?? random)();
}

function vuOf(parentUrl: string | undefined): string | undefined {
  if (!parentUrl?.startsWith("file:")) return undefined;
  return new URL(parentUrl).searchParams.get(VU) ?? undefined;
}

/** k6's __ENV: what the run was given, and what the scenario adds. */
function environment(): Readonly<Record<string, string>> {
  const { run, scenario } = currentVu();
  return { ...run.env, ...scenario?.scenario.env };
}

/** k6's open: relative to the script; in the init context only. */
function open(path: string, mode?: "b"): string | ArrayBuffer {
  const { directory } = requireInit("open").run;
  const file = path.startsWith("file:") ? fileURLToPath(path) : resolve(directory, path);
  if (mode !== "b") return readFileSync(file, "utf8");
  return Uint8Array.from(readFileSync(file)).buffer;
}

/** The script's exports, for one virtual user. Rejects with whatever the script throws. */
export async function loadScript(file: string, vu: VuContext): Promise<Script> {
  const url = pathToFileURL(file);
  url.searchParams.set(VU, String(vu.id));
  return vuStorage.run(vu, () => import(url.href) as Promise<Script>);
}
