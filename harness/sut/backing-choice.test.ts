import { expect, test } from "vitest";
import { firstThatStarts, postgresChoices, redisChoices, type Surroundings } from "./backing-choice.ts";

const nothing: Surroundings = {
  whyNoEngine: "no engine answers",
  databaseUrl: undefined,
  redisUrl: undefined,
  redisServer: undefined,
};
const all: Surroundings = {
  whyNoEngine: undefined,
  databaseUrl: "postgres://a",
  redisUrl: "redis://a",
  redisServer: "/usr/bin/redis-server",
};
const start = (way: string) => Promise.resolve(`by ${way}`);

test("a container engine that answers is used before what is given, and that before what is at hand", async () => {
  expect(await firstThatStarts(postgresChoices(all), start)).toEqual({
    taken: { way: "testcontainers", server: "by testcontainers" },
    passedOver: [],
  });
  const given = { ...all, whyNoEngine: "no engine answers" };
  expect((await firstThatStarts(postgresChoices(given), start)).taken?.way).toBe("DATABASE_URL");
  expect((await firstThatStarts(redisChoices(given), start)).taken?.way).toBe("REDIS_URL");
  const atHand = { ...given, databaseUrl: "", redisUrl: "" };
  expect((await firstThatStarts(postgresChoices(atHand), start)).taken?.way).toBe("embedded PostgreSQL");
  expect((await firstThatStarts(redisChoices(atHand), start)).taken?.way).toBe("redis-server");
});

test("without anything there is a PostgreSQL all the same, and no Redis, with every reason", async () => {
  expect((await firstThatStarts(postgresChoices(nothing), start)).taken?.way).toBe("embedded PostgreSQL");
  expect(await firstThatStarts(redisChoices(nothing), start)).toEqual({
    taken: undefined,
    passedOver: [
      { way: "testcontainers", why: "no engine answers" },
      { way: "REDIS_URL", why: "it is not set" },
      { way: "redis-server", why: "it is not on the path" },
    ],
  });
});

test("what somebody has asked for by name is not passed over", async () => {
  const given = { ...nothing, databaseUrl: "postgres://a" };
  const refusing = () => Promise.reject(new Error("no such role"));
  await expect(firstThatStarts(postgresChoices(given), refusing)).rejects.toThrow(
    "DATABASE_URL: no such role",
  );
});

test("a way that fails to start is passed over with its error", async () => {
  const withoutImage = (way: string) =>
    way === "testcontainers" ? Promise.reject(new Error("no such image")) : start(way);
  expect(await firstThatStarts(postgresChoices(all), withoutImage)).toEqual({
    taken: { way: "DATABASE_URL", server: "by DATABASE_URL" },
    passedOver: [{ way: "testcontainers", why: "no such image" }],
  });
});
