import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { createTokenVerifier } from "./access-token.ts";
import { DEVELOPMENT_KEY_FILE, keptKey, readKeySet } from "./key-set.ts";
import { signToken } from "./sign-token.ts";
import { keysOfSet } from "./trusted-keys.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "key-set-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("the development key signs what its key set verifies, and is the same at the next start", async () => {
  const dataDir = join(folder, "new", "data");
  const first = await keptKey(join(dataDir, DEVELOPMENT_KEY_FILE));
  const again = await keptKey(join(dataDir, DEVELOPMENT_KEY_FILE));
  expect(again.keys).toEqual(first.keys);
  const claims = { userId: "u1", roles: [], permissions: [], lifetimeSeconds: 60 };
  const token = await signToken(first.signing, claims, systemClock);
  const verify = createTokenVerifier({ keys: keysOfSet(again.keys), clock: systemClock });
  expect(await verify(token)).toMatchObject({ userId: "u1" });
});

test("the development key is readable by its owner only, and its private part is in that file alone", async () => {
  const { keys } = await keptKey(join(folder, DEVELOPMENT_KEY_FILE));
  const files = await readdir(folder);
  expect(files).toHaveLength(1);
  const file = join(folder, files[0] ?? "");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, "utf8"))).toHaveProperty("d");
  for (const key of keys.keys) expect(key).not.toHaveProperty("d");
});

test("a file that holds no private key is refused by its name", async () => {
  const file = join(folder, "service.json");
  for (const content of ["{", "[]", '{"kty":"OKP","crv":"Ed25519","x":"AA"}']) {
    await writeFile(file, content);
    await expect(keptKey(file)).rejects.toThrow(file);
  }
});

test("processes that start at once use the same key", async () => {
  const module = new URL("./key-set.ts", import.meta.url).href;
  const script = `const { keptKey } = await import(${JSON.stringify(module)});
    process.stdout.write((await keptKey(${JSON.stringify(join(folder, DEVELOPMENT_KEY_FILE))})).signing.keyId);`;
  const start = () => promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  const ids = (await Promise.all([start(), start(), start()])).map(({ stdout }) => stdout);
  expect(ids[0]).toMatch(/^.{43}$/);
  expect(new Set(ids).size).toBe(1);
});

test.each([
  ["no JSON", '{"keys": [{"d": "secret-part"', "is not JSON"],
  ["no object", "[]", 'no array "keys"'],
  ["null", "null", 'no array "keys"'],
  ["keys that are no objects", '{"keys": [1]}', 'no array "keys" of objects'],
  ["no key", '{"keys": []}', "holds no key"],
  [
    "a private key",
    '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "a", "d": "secret-part"}]}',
    "holds a private key",
  ],
  ["a key that no token can name", '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "a"}]}', 'without "kid"'],
  ["a shared secret", '{"keys": [{"kty": "oct", "k": "secret-part"}]}', "holds a private key"],
])(
  "a key set of %s is refused with the name of its file and without its content",
  async (_, content, why) => {
    const file = join(folder, "keys.json");
    await writeFile(file, content);
    const error = await readKeySet(file).catch((reason: unknown) => String(reason));
    expect(error).toContain(file);
    expect(error).toContain(why);
    expect(error).not.toContain("secret-part");
  },
);

test("a key set of public keys is read", async () => {
  const { keys } = await keptKey(join(folder, DEVELOPMENT_KEY_FILE));
  const file = join(folder, "keys.json");
  await writeFile(file, JSON.stringify(keys));
  expect(await readKeySet(file)).toEqual(keys);
});
