// Loaded before a program (`--import`): its wall clock, Date, is off by as many milliseconds as the file named by FAULT_CLOCK says, read at
// the start and at each SIGUSR2. What measures durations, performance.now, is not touched: clocks jump, time does not.

import { readFileSync, writeFileSync } from "node:fs";

const file = process.env.FAULT_CLOCK ?? "";
const real = Date.now.bind(Date);
let offsetMs = 0;

const JumpingDate = new Proxy(Date, {
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [real() + offsetMs] : given, newTarget),
  apply: () => new Date(real() + offsetMs).toString(),
  get: (target, key, receiver) =>
    key === "now" ? () => real() + offsetMs : Reflect.get(target, key, receiver),
});
globalThis.Date = JumpingDate;
// A date of either is made by the one that everybody finds.
Object.defineProperty(Date.prototype, "constructor", { value: JumpingDate, writable: true });

function read(): void {
  let text = "0";
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  offsetMs = Number(text);
  writeFileSync(`${file}.seen`, text);
}

read();
process.on("SIGUSR2", read);
