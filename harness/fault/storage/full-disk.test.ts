import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fullDisk } from "./full-disk.ts";
import { mountSmall, whyNoMount } from "./small-file-system.ts";

const folder = await mkdtemp(join(tmpdir(), "full-disk-"));
afterAll(() => rm(folder, { recursive: true }));
const whyNot = await whyNoMount(join(folder, "tried"));

test("nothing can be written to a full disk, and all of it is free again when it heals", async (context) => {
  context.skip(whyNot !== undefined, whyNot);
  const disk = await mountSmall(join(folder, "disk"), 2_000_000);
  try {
    const fault = fullDisk(disk.directory);
    await fault.heal();
    const { bfree } = await statfs(disk.directory);
    await fault.strike();
    const write = () => writeFile(join(disk.directory, "a"), "a");
    await expect(write()).rejects.toMatchObject({ code: "ENOSPC" });
    await fault.heal();
    await fault.heal();
    await rm(join(disk.directory, "a"), { force: true });
    expect((await statfs(disk.directory)).bfree).toBe(bfree);
    await write();
  } finally {
    await disk.unmount();
  }
});
