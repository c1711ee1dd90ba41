import { expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { createMailbox } from "./mailbox.ts";

const make = () => {
  const clock = manualClock();
  return { clock, mailbox: createMailbox<string>(clock) };
};

test("messages are taken in the order of their coming, and their writers wait for it", async () => {
  const { mailbox } = make();
  const order: string[] = [];
  const write = (text: string) => mailbox.put(text).then(() => order.push(`${text} taken`));
  const writing = [write("a"), write("b")];
  await Promise.resolve();
  expect(order).toEqual([]);
  expect(await mailbox.take(1_000)).toEqual({ message: "a" });
  await writing[0];
  expect(order).toEqual(["a taken"]);
  expect(await mailbox.take(1_000)).toEqual({ message: "b" });
  await writing[1];
});

test("a reader hears of a message, and of silence, and leaves no timer", async () => {
  const { clock, mailbox } = make();
  const silent = mailbox.take(1_000);
  clock.advance(1_000);
  expect(await silent).toBe("silence");
  const heard = mailbox.take(1_000);
  clock.advance(999);
  await mailbox.put("late");
  expect(await heard).toEqual({ message: "late" });
  expect(clock.pending).toBe(0);
});

test("a message can be taken back until it is taken", async () => {
  const { clock, mailbox } = make();
  const abort = new AbortController();
  const writing = mailbox.put("unwanted", abort.signal);
  abort.abort(new Error("no more"));
  await expect(writing).rejects.toThrow("no more");
  await expect(mailbox.put("also not", abort.signal)).rejects.toThrow("no more");
  const silent = mailbox.take(10);
  clock.advance(10);
  expect(await silent).toBe("silence");
});

test("an end comes after what lies there", async () => {
  const { mailbox } = make();
  const writing = mailbox.put("last");
  mailbox.end();
  expect(await mailbox.take(1_000)).toEqual({ message: "last" });
  await writing;
  expect(await mailbox.take(1_000)).toBe("end");
});

test("closing refuses writers and the reader", async () => {
  const { clock, mailbox } = make();
  const taking = make();
  const read = taking.mailbox.take(1_000);
  taking.mailbox.close(new Error("gone"));
  await expect(read).rejects.toThrow("gone");
  expect(taking.clock.pending).toBe(0);
  const writing = mailbox.put("never");
  mailbox.close(new Error("gone"));
  await expect(writing).rejects.toThrow("gone");
  await expect(mailbox.put("after")).rejects.toThrow("gone");
  await expect(mailbox.take(1_000)).rejects.toThrow("gone");
  expect(clock.pending).toBe(0);
});
