import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openJournal } from "./journal.ts";

const folder = await mkdtemp(join(tmpdir(), "journal-"));
afterAll(() => rm(folder, { recursive: true }));

test("what was appended is there when it is opened again, and what was cut short is not", async () => {
  const path = join(folder, "cut");
  const journal = openJournal<{ n: string }>(path);
  journal.append({ n: "é" });
  journal.append({ n: "b" });
  journal.close();
  await writeFile(path, '{"n":"half', { flag: "a" });
  const again = openJournal<{ n: string }>(path);
  expect(again.entries).toEqual([{ n: "é" }, { n: "b" }]);
  again.append({ n: "c" });
  again.close();
  expect(await readFile(path, "utf8")).toBe('{"n":"é"}\n{"n":"b"}\n{"n":"c"}\n');
});
