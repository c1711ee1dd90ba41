// The script of the history's page. It runs in a browser, from a file: it reads the data that the page embeds, and asks for nothing.

import type { HistoryData, Measured, RunEntry, RunVerdict, SeriesName } from "../run-entry.ts";

const data: HistoryData = JSON.parse(find("#data", HTMLScriptElement).text);

filterOnChange();
sortOnClick(find("#runs", HTMLTableElement));
if (document.querySelector("#comparison") !== null) compareOnChange();

function filterOnChange(): void {
  const selects = ["kind", "workload", "machine"].map((id) => find(`#${id}`, HTMLSelectElement));
  const apply = (): void => {
    for (const one of document.querySelectorAll<HTMLElement>(
      "[data-kind], [data-workload], [data-machine]",
    )) {
      one.hidden = selects.some(
        ({ id, value }) => value !== "" && one.dataset[id] !== undefined && one.dataset[id] !== value,
      );
    }
    if (document.querySelector("#comparison") !== null) compare();
  };
  for (const select of selects) select.addEventListener("change", apply);
  apply();
}

function sortOnClick(table: HTMLTableElement): void {
  const heads = [...table.querySelectorAll("th")];
  for (const [column, head] of heads.entries()) {
    head.querySelector("button")?.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sortRows(table, column, ascending ? 1 : -1);
    });
  }
}

function sortRows(table: HTMLTableElement, column: number, direction: number): void {
  const body = table.tBodies[0];
  if (body === undefined) return;
  const textOf = (row: HTMLTableRowElement): string => {
    const cell = row.cells[column];
    return cell?.dataset.value ?? cell?.textContent ?? "";
  };
  const rows = [...body.rows].sort(
    (a, b) => direction * textOf(a).localeCompare(textOf(b), "en", { numeric: true }),
  );
  body.append(...rows);
}

function compareOnChange(): void {
  for (const id of ["before", "after"]) find(`#${id}`, HTMLSelectElement).addEventListener("change", compare);
  compare();
}

function compare(): void {
  const before = chosen("before");
  const after = chosen("after");
  if (before === undefined || after === undefined) return;
  const verdicts = before.kind === after.kind ? verdictRows(before.verdicts, after.verdicts) : [];
  const sameMachine = before.fingerprint !== null && before.fingerprint === after.fingerprint;
  const comparable = sameMachine && before.quick === after.quick;
  const workload = find("#workload", HTMLSelectElement).value;
  const names = (comparable ? data.levels : data.effects).filter(
    (name) => workload === "" || name.workload === workload,
  );
  const rows = names.flatMap((name) => {
    const [was, is] = [before, after].map((run) => (comparable ? run.levels : run.effects)[name.key]);
    return was === undefined || is === undefined ? [] : [row(name, was, is, comparable)];
  });
  find("#comparable", HTMLElement).textContent = [
    ...(verdicts.length > 0 ? [verdictStatement(before.verdicts, after.verdicts)] : []),
    ...(rows.length > 0 ? [statement(sameMachine, comparable)] : []),
  ].join(" ");
  const numbers = ["workload", "metric", comparable ? "of" : "optimization", "before", "after", "change"];
  const tables = [
    ...(verdicts.length > 0 ? [tableOf(["claim", "before", "after"], verdicts)] : []),
    ...(rows.length > 0 ? [tableOf(numbers, rows)] : []),
  ];
  find("#comparison", HTMLElement).replaceChildren(...(tables.length === 0 ? [empty()] : tables));
}

function statement(sameMachine: boolean, comparable: boolean): string {
  if (comparable) {
    return "The same machine, so absolute numbers compare. Those whose intervals do not overlap are coloured.";
  }
  const why = sameMachine ? "One run is quick and one is not" : "The machines differ";
  return `${why}, so absolute numbers are not compared: only what each optimization changed there, with over without.`;
}

function verdictStatement(before: readonly RunVerdict[], after: readonly RunVerdict[]): string {
  const changed = after.filter(({ claim, outcome }) => {
    const was = outcomeOf(before, claim);
    return was !== undefined && was !== outcome;
  });
  return changed.length === 0
    ? "No claim changed its verdict."
    : `${changed.length} of ${after.length} claims changed their verdicts.`;
}

/** Claims of either, those that changed first. */
function verdictRows(before: readonly RunVerdict[], after: readonly RunVerdict[]): HTMLTableRowElement[] {
  const claims = [...new Set([...after, ...before].map(({ claim }) => claim))];
  const found = claims.map((claim) => [claim, outcomeOf(before, claim), outcomeOf(after, claim)] as const);
  const unchanged = ([, was, is]: (typeof found)[number]): number => (was === is ? 1 : 0);
  return found
    .sort((a, b) => unchanged(a) - unchanged(b))
    .map(([claim, was, is]) => {
      const line = document.createElement("tr");
      for (const text of [claim, was ?? "–", is ?? "–"]) line.append(cellOf(text));
      for (const [i, outcome] of [was, is].entries()) {
        if (outcome !== undefined) line.cells[i + 1]?.classList.add(outcome);
      }
      return line;
    });
}

function outcomeOf(verdicts: readonly RunVerdict[], claim: string): RunVerdict["outcome"] | undefined {
  return verdicts.find((verdict) => verdict.claim === claim)?.outcome;
}

function cellOf(text: string): HTMLTableCellElement {
  const cell = document.createElement("td");
  cell.textContent = text;
  return cell;
}

function row(name: SeriesName, was: Measured, is: Measured, absolute: boolean): HTMLTableRowElement {
  const ratio = was[0] === 0 ? undefined : is[0] / was[0];
  const better = is[0] > was[0] === (name.better === "higher");
  const apart = intervalsApart(was, is);
  const line = document.createElement("tr");
  const unit = absolute && name.unit !== "" ? ` ${name.unit}` : "";
  for (const text of [
    name.workload,
    name.metric,
    name.subject,
    `${absolute ? "" : "×"}${short(was[0])}${unit}`,
    `${absolute ? "" : "×"}${short(is[0])}${unit}`,
    ratio === undefined ? "–" : percent(ratio),
  ]) {
    line.append(cellOf(text));
  }
  if (apart) line.lastElementChild?.classList.add(better ? "better" : "worse");
  return line;
}

function intervalsApart([, lowA, highA]: Measured, [, lowB, highB]: Measured): boolean {
  if (lowA === null || highA === null || lowB === null || highB === null) return false;
  return highA < lowB || highB < lowA;
}

function tableOf(columns: readonly string[], rows: readonly HTMLTableRowElement[]): HTMLTableElement {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const text of columns) {
    const cell = document.createElement("th");
    cell.textContent = text;
    head.append(cell);
  }
  table.createTBody().append(...rows);
  return table;
}

function empty(): HTMLElement {
  const words = document.createElement("p");
  words.className = "empty";
  words.textContent = "They have no number and no claim in common.";
  return words;
}

function chosen(id: string): RunEntry | undefined {
  const { value } = find(`#${id}`, HTMLSelectElement);
  return data.runs.find((run) => run.id === value);
}

function short(value: number): string {
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString("en-US").replaceAll(",", "\u2009")
    : Number(value.toPrecision(3)).toString();
}

function percent(ratio: number): string {
  const change = (ratio - 1) * 100;
  return `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(1)} %`;
}

function find<T extends Element>(selector: string, kind: new () => T): T {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`the page has no ${selector}`);
  return element;
}
