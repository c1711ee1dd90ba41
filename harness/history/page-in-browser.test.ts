import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { htmlReport } from "#harness/report/html-report.ts";
import { sampleRecord } from "#harness/report/testing/sample-record.ts";
import { chromiumPath, launchChromium } from "./testing/browser.ts";
import { sampleRuns } from "./testing/sample-runs.ts";
import { writeHistory } from "./write-history.ts";

const executable = chromiumPath();
if (executable === undefined)
  process.stderr.write(
    "pages are not tested in a browser: no chromium, chromium-browser or google-chrome on the path\n",
  );

describe.skipIf(executable === undefined)("in a browser", () => {
  let directory: string;
  let browser: Browser;
  let pages: Readonly<Record<"history" | "report", string>>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "pages-"));
    await sampleRuns(directory, { runs: 16 });
    const { file } = await writeHistory(directory);
    const report = join(directory, "report.html");
    await writeFile(report, htmlReport(sampleRecord()));
    pages = { history: pathToFileURL(file).href, report: pathToFileURL(report).href };
    browser = await launchChromium(executable ?? "");
  });
  afterAll(async () => {
    await browser?.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** Of the console, and requests for anything but the page itself. */
  let complaints: string[];
  let page: Page;

  beforeAll(async () => {
    page = await browser.newPage();
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (!Object.values(pages).includes(request.url())) complaints.push(`request: ${request.url()}`);
    });
  });
  beforeEach(() => {
    complaints = [];
  });
  afterEach(() => expect(complaints).toEqual([]));

  async function open(name: keyof typeof pages, width: number): Promise<void> {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(pages[name]);
  }

  test.each(["history", "report"] as const)("the %s fits a phone, in light and in dark", async (name) => {
    const papers: unknown[] = [];
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      if (colorScheme === "light") await open(name, 375);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(375);
      papers.push(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
    }
    expect(papers[0]).not.toBe(papers[1]);
  });

  test("the runs sort by a column, both ways, and from the keyboard", async () => {
    await open("history", 1280);
    const starts = () => page.locator("#runs tbody tr td:first-child").allTextContents();
    const newestFirst = await starts();
    expect(newestFirst).toHaveLength(21);
    expect(newestFirst).toEqual(newestFirst.toSorted().reverse());
    await page.locator("#runs th button", { hasText: "started" }).focus();
    await page.keyboard.press("Enter");
    expect(await starts()).toEqual(newestFirst.toSorted());
    await page.keyboard.press("Enter");
    expect(await starts()).toEqual(newestFirst.toSorted().reverse());
  });

  test("filters leave the runs and the trends of one machine and workload", async () => {
    await open("history", 1280);
    const visible = (selector: string) => page.locator(`${selector}:visible`).count();
    expect(await visible(".trend")).toBe(8);
    await page.selectOption("#machine", { index: 2 });
    expect(await visible("#runs tbody tr")).toBe(2);
    expect(await visible(".trend")).toBe(4);
    await page.selectOption("#workload", "hot reads over loopback");
    expect(await visible(".trend")).toBe(1);
    await page.selectOption("#machine", "");
    await page.selectOption("#kind", "scenarios");
    expect(await visible("#runs tbody tr")).toBe(1);
  });

  test("two runs of one machine compare in numbers, of two machines only in effects", async () => {
    await open("history", 1280);
    const text = () => page.locator("#comparison").innerText();
    await page.selectOption("#before", "20261002-091500-1a2b3c4");
    await page.selectOption("#after", "20261012-091500-1a2b3c4");
    expect(await text()).toContain("calls/s");
    expect(await page.locator("#comparison .better").count()).toBeGreaterThan(0);
    expect(await page.locator("#comparison .worse").count()).toBe(0);
    await page.selectOption("#after", "20261018-091500-1a2b3c4");
    expect(await page.locator("#comparable").innerText()).toContain("machines differ");
    expect(await text()).not.toContain("calls/s");
    expect(await text()).toContain("×");
  });

  test("whatever has the keyboard's focus shows it", async () => {
    await open("history", 1280);
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press("Tab");
      const width = await page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)");
      expect(width, `outline at stop ${i + 1}`).toBeGreaterThanOrEqual(2);
    }
  });
});
