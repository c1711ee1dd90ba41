import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BALANCERS, type BalancerName, type Candidate } from "./balancer.ts";

interface Endpoint extends Candidate {
  outstanding: number;
}

const endpoint = (over: Partial<Endpoint> = {}): Endpoint => ({
  weight: 1,
  ramp: 1,
  outstanding: 0,
  latencyMs: 1,
  ...over,
});

const names = Object.keys(BALANCERS) as BalancerName[];

const arbitraryEndpoint = fc.record({
  weight: fc.integer({ min: 1, max: 1_000 }),
  ramp: fc.double({ min: 0.1, max: 1, noNaN: true }),
  outstanding: fc.nat(100),
  latencyMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
});
const arbitraryEndpoints = fc.array(arbitraryEndpoint, { minLength: 1, maxLength: 12 });
const random = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
const drawing = (stream: IterableIterator<number>) => (): number => stream.next().value ?? 0;

/** How often each of `endpoints` is picked. */
function count(name: BalancerName, endpoints: readonly Candidate[], picks: number, random = Math.random) {
  const balancer = BALANCERS[name](random);
  const counts = new Map(endpoints.map((each) => [each, 0]));
  for (let pick = 0; pick < picks; pick++) {
    const picked = balancer.pick(endpoints);
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  return endpoints.map((each) => counts.get(each) ?? 0);
}

test.each(names)("%s: picks one of the candidates, whatever they are", (name) => {
  fc.assert(
    fc.property(arbitraryEndpoints, random, (endpoints, stream) => {
      const balancer = BALANCERS[name](drawing(stream));
      for (let pick = 0; pick < 20; pick++) expect(endpoints).toContain(balancer.pick(endpoints));
    }),
  );
});

test("roundRobin: no one is picked twice before everyone was picked once", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5 }), (size, rounds) => {
      const endpoints = Array.from({ length: size }, () => endpoint());
      expect(count("roundRobin", endpoints, size * rounds)).toEqual(endpoints.map(() => rounds));
    }),
  );
});

test("weightedRoundRobin: everyone gets exactly its weight, and is never a whole turn ahead of it", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(weights, (each) => {
      const endpoints = each.map((weight) => endpoint({ weight }));
      const total = each.reduce((sum, weight) => sum + weight, 0);
      expect(count("weightedRoundRobin", endpoints, total)).toEqual(each);
      const half = Math.floor(total / 2);
      for (const [index, picked] of count("weightedRoundRobin", endpoints, half).entries()) {
        const share = (half * (each[index] ?? 0)) / total;
        expect(Math.abs(picked - share)).toBeLessThan(each.length);
      }
    }),
  );
});

test("leastOutstanding: nobody has less to do for its weight than who is picked", () => {
  fc.assert(
    fc.property(arbitraryEndpoints, random, (endpoints, stream) => {
      const picked = BALANCERS.leastOutstanding(drawing(stream)).pick(endpoints);
      const load = (each: Candidate): number => (each.outstanding + 1) / (each.weight * each.ramp);
      for (const each of endpoints) expect(load(each)).toBeGreaterThanOrEqual(load(picked));
    }),
  );
});

test("powerOfTwoChoices: who is worse than everybody in everything is never picked beside others", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 8 }),
      random,
      (latencies, stream) => {
        const others = latencies.map((latencyMs) => endpoint({ latencyMs }));
        const worst = endpoint({ latencyMs: 1_000, outstanding: 50 });
        const balancer = BALANCERS.powerOfTwoChoices(drawing(stream));
        for (let pick = 0; pick < 20; pick++) expect(balancer.pick([worst, ...others])).not.toBe(worst);
      },
    ),
  );
});

describe("an endpoint that starts slowly", () => {
  test.each(["roundRobin", "weightedRoundRobin"] as const)("%s: gets its part of its share", (name) => {
    const endpoints = [endpoint({ ramp: 0.25 }), endpoint()];
    expect(count(name, endpoints, 100)).toEqual([20, 80]);
  });

  test.each(["leastOutstanding", "powerOfTwoChoices"] as const)("%s: is full sooner", (name) => {
    const [starting, other] = [endpoint({ ramp: 0.25, outstanding: 1 }), endpoint({ outstanding: 5 })];
    expect(count(name, [starting, other], 10)).toEqual([0, 10]);
  });
});

test("calls that go where the fewest are spread over equals", () => {
  const endpoints = [endpoint(), endpoint(), endpoint()];
  const balancer = BALANCERS.leastOutstanding(Math.random);
  for (let call = 0; call < 30; call++) balancer.pick(endpoints).outstanding += 1;
  expect(endpoints.map(({ outstanding }) => outstanding)).toEqual([10, 10, 10]);
});
