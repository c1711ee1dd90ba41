import { expect, test } from "vitest";
import { type GroupCommitOptions, groupCommit, type Outcome } from "./group-commit.ts";

interface Group {
  readonly jobs: readonly string[];
  readonly signal: AbortSignal;
  readonly end: (outcomes?: readonly Outcome[]) => void;
  readonly fail: (error: Error) => void;
}

const { signal } = new AbortController();

/** Groups wait to be ended by the test, in the order in which they began. */
function start(options: Partial<GroupCommitOptions<string>> = {}) {
  const groups: Group[] = [];
  const submit = groupCommit<string>({
    run(jobs, until) {
      const { promise, resolve, reject } = Promise.withResolvers<readonly Outcome[]>();
      const end = (outcomes: readonly Outcome[] = jobs.map(() => undefined)): void => resolve(outcomes);
      groups.push({ jobs, signal: until, end, fail: reject });
      return promise;
    },
    lanes: 1,
    maxJobs: 3,
    maxWeight: 10,
    weightOf: (job) => job.length,
    ...options,
  });
  return { groups, submit };
}

test("a job that comes alone runs at once; those that come meanwhile go together, in their order", async () => {
  const { groups, submit } = start();
  const jobs = ["a", "b", "c"].map((job) => submit(job, signal));
  expect(groups.map((group) => group.jobs)).toEqual([["a"]]);
  groups[0]?.end();
  await jobs[0];
  expect(groups.map((group) => group.jobs)).toEqual([["a"], ["b", "c"]]);
  groups[1]?.end();
  await Promise.all(jobs);
});

test("a group is bounded by its jobs and by their weight, and what is heavier than that runs alone", async () => {
  const { groups, submit } = start();
  const sent = ["first", "a", "b", "c", "d", "nine long", "a job too heavy", "e"];
  const jobs = Promise.all(sent.map((job) => submit(job, signal)));
  for (let n = 0; n < groups.length; n++) {
    groups[n]?.end();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await jobs;
  expect(groups.map((group) => group.jobs)).toEqual([
    ["first"],
    ["a", "b", "c"],
    ["d", "nine long"],
    ["a job too heavy"],
    ["e"],
  ]);
});

test("another lane opens when more wait than one group can take, and no more than there are", () => {
  const { groups, submit } = start({ lanes: 2 });
  for (const job of ["a", "b", "c", "d"]) void submit(job, signal);
  expect(groups.map((group) => group.jobs)).toEqual([["a"]]);
  for (const job of ["e", "f", "g", "h", "i"]) void submit(job, signal);
  expect(groups.map((group) => group.jobs)).toEqual([["a"], ["b", "c", "d"]]);
});

test("each job gets its own outcome, and one that fails takes none with it", async () => {
  const { groups, submit } = start();
  const jobs = ["a", "b", "c"].map((job) => submit(job, signal));
  const outcomes = Promise.allSettled(jobs);
  groups[0]?.end();
  await jobs[0];
  groups[1]?.end([{ error: new Error("no") }, undefined]);
  expect((await outcomes).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("a group that fails fails all of its jobs, and the next one runs", async () => {
  const { groups, submit } = start();
  const jobs = ["a", "b", "c"].map((job) => submit(job, signal));
  groups[0]?.fail(new Error("gone"));
  await expect(jobs[0]).rejects.toThrow("gone");
  groups[1]?.end();
  await Promise.all(jobs.slice(1));
});

test("whoever leaves before his job has begun takes it along", async () => {
  const { groups, submit } = start();
  const leaver = new AbortController();
  const first = submit("a", signal);
  const left = submit("b", leaver.signal);
  const last = submit("c", signal);
  leaver.abort(new Error("left"));
  await expect(left).rejects.toThrow("left");
  groups[0]?.end();
  await first;
  expect(groups[1]?.jobs).toEqual(["c"]);
  groups[1]?.end();
  await last;
  await expect(submit("d", leaver.signal)).rejects.toThrow("left");
});

test("a group is given up when everybody has left, and not before", async () => {
  const { groups, submit } = start();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = submit("a", signal);
  const jobs = [submit("b", one.signal), submit("c", two.signal)];
  groups[0]?.end();
  await first;
  const group = groups[1];
  one.abort(new Error("one left"));
  expect(group?.signal.aborted).toBe(false);
  two.abort(new Error("two left"));
  expect(group?.signal.aborted).toBe(true);
  group?.fail(new Error("given up"));
  await expect(Promise.all(jobs)).rejects.toThrow("given up");
});
