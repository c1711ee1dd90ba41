// The API documentation follows the contract, and a stale page is noticed.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { apiDocuments, differences, writePages } from "./api-docs.ts";
import { apiPages } from "./api-pages.ts";
import { readContract } from "./contract.ts";
import { buildSourceImage } from "./source-image.ts";

const contract = readContract(buildSourceImage());
const pages = apiPages(contract);
const documents = apiDocuments(contract);
const folder = mkdtempSync(join(tmpdir(), "api-docs-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the API documentation", () => {
  it("is committed as the contract says", () => {
    expect(differences(join(import.meta.dirname, "../docs/api"), documents)).toEqual([]);
  });

  it("has a page for every service, and links only to headings that exist", () => {
    const headings = new Map(
      [...pages].map(([name, text]) => [
        name,
        [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => title.toLowerCase()),
      ]),
    );
    for (const [name, text] of pages) {
      for (const [, page = "", anchor] of text.matchAll(/\]\(([a-z-]*(?:\.md)?)(?:#([a-z]+))?\)/g)) {
        const found = headings.get(page === "" ? name : page);
        expect(found, `${name} links to ${page}`).toBeDefined();
        if (anchor !== undefined) expect(found, `${name} links to ${page}#${anchor}`).toContain(anchor);
      }
    }
    expect(pages.size).toBe(contract.services.length + 2);
  });

  it("names a changed, a missing and a leftover page, and writing mends them", () => {
    writePages(folder, pages);
    expect(differences(folder, pages)).toEqual([]);
    rmSync(join(folder, "user-service.md"));
    writeFileSync(join(folder, "order-service.md"), "old");
    writeFileSync(join(folder, "zebra-service.md"), "leftover");
    expect(differences(folder, pages)).toEqual(["order-service.md", "user-service.md", "zebra-service.md"]);
    writePages(folder, pages);
    expect(differences(folder, pages)).toEqual([]);
  });
});
