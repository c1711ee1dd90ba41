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
  let pages: Readonly<Record<"history" | "report" | "verdicts", string>>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "pages-"));
    await sampleRuns(directory, { runs: 16 });
    const { file } = await writeHistory(directory);
    const report = join(directory, "report.html");
    await writeFile(report, htmlReport(sampleRecord()));
    pages = {
      history: pathToFileURL(file).href,
      report: pathToFileURL(report).href,
      verdicts: pathToFileURL(join(directory, "scenarios/2026-10-28.html")).href,
    };
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

  test.each(["history", "report", "verdicts"] as const)(
    "the page of %s fits a phone, in light and in dark",
    async (name) => {
      const papers: unknown[] = [];
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        if (colorScheme === "light") await open(name, 375);
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(375);
        papers.push(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
      }
      expect(papers[0]).not.toBe(papers[1]);
    },
  );

  test("the runs sort by a column, both ways, and from the keyboard", async () => {
    await open("history", 1280);
    const starts = () => page.locator("#runs tbody tr td:first-child").allTextContents();
    const newestFirst = await starts();
    expect(newestFirst).toHaveLength(23);
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
    expect(await visible(".trend")).toBe(9);
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

  test("two runs of one kind compare in their verdicts, and in what both measured", async () => {
    await open("history", 1280);
    await page.selectOption("#before", "load-29");
    await page.selectOption("#after", "load-30");
    expect(await page.locator("#comparable").innerText()).toContain("1 of 1 claims changed their verdicts");
    const rows = await page.locator("#comparison tbody tr").allInnerTexts();
    expect(rows.map((row) => row.split("\t").join(" | "))).toEqual([
      "browse keeps its thresholds | fail | pass",
      "load: browse | p99 | all calls | 8 ms | 9 ms | +12.5 %",
    ]);
    await page.selectOption("#before", "20261002-091500-1a2b3c4");
    expect(await page.locator("#comparison").innerText()).toContain("no number and no claim in common");
  });

  test("a flame graph keeps its letters on a phone, and writes no name where there is no room", async () => {
    await open("report", 375);
    const sizes = await page.evaluate(
      "[...document.querySelectorAll('svg.flame text')].map((text) => [getComputedStyle(text).fontSize, text.getBoundingClientRect().width > 0])",
    );
    expect(sizes).toEqual([
      ["11.5px", true],
      ["11.5px", true],
      ["11.5px", true],
      ["11.5px", true],
    ]);
    expect(
      await page.locator("svg.flame").evaluate((node) => node.getBoundingClientRect().width),
    ).toBeLessThan(375);
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
