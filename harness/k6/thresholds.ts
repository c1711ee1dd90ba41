// Thresholds: "p(99)<250" of a metric, or of those of its samples that carry certain tags: "grpc_req_duration{method:GetUser}".

import { parseDuration } from "./duration.ts";
import { invalidConfig } from "./exit-codes.ts";
import { hasFigure, type MetricType, type Sink } from "./sinks.ts";

export interface Threshold {
  /** As it was written. */
  readonly source: string;
  readonly figure: string;
  readonly abortOnFail: boolean;
  /** From the start; before it a failure does not abort. */
  readonly delayAbortMs: number;
  holds(sink: Sink, seconds: number): boolean;
}

export interface ThresholdGroup {
  /** As it was written, which is the name of the sub-metric in a summary. */
  readonly name: string;
  readonly metric: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly thresholds: readonly Threshold[];
}

const EXPRESSION = /^\s*(\S+?)\s*(===|!=|==|>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*$/;
const COMPARE: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  ">": (left, right) => left > right,
  ">=": (left, right) => left >= right,
  "<": (left, right) => left < right,
  "<=": (left, right) => left <= right,
  "==": (left, right) => left === right,
  "===": (left, right) => left === right,
  "!=": (left, right) => left !== right,
};

/** Throws RunFailure naming the threshold that is not one. */
export function parseThresholds(given: unknown): ThresholdGroup[] {
  if (given === undefined) return [];
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw invalidConfig("thresholds must be an object of metric names");
  }
  return Object.entries(given).map(([name, list]) => {
    if (!Array.isArray(list)) throw invalidConfig(`thresholds of ${name} must be a list`);
    return { name, ...selector(name), thresholds: list.map((item) => parseThreshold(name, item)) };
  });
}

function selector(name: string): { metric: string; tags: Map<string, string> } {
  const match = /^([^{}]+?)\s*(?:\{(.*)\})?$/.exec(name);
  if (match === null) throw invalidConfig(`"${name}" does not name a metric`);
  const [, metric = "", inside] = match;
  const pairs = inside === undefined ? [] : inside.split(",").map((pair) => tagPair(name, pair));
  return { metric, tags: new Map(pairs) };
}

function tagPair(name: string, pair: string): [string, string] {
  const at = pair.indexOf(":");
  if (at < 1) throw invalidConfig(`"${name}": "${pair}" is not tag:value`);
  return [pair.slice(0, at).trim(), unquoted(pair.slice(at + 1).trim())];
}

function unquoted(text: string): string {
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text;
}

function parseThreshold(metric: string, item: unknown): Threshold {
  const { threshold, abortOnFail = false, delayAbortEval = 0, ...unknown } = settings(metric, item);
  const [extra] = Object.keys(unknown);
  if (extra !== undefined) throw invalidConfig(`thresholds of ${metric}: unknown key "${extra}"`);
  const [, figure = "", operator = "", bound] = EXPRESSION.exec(String(threshold)) ?? [];
  const compare = COMPARE[operator];
  if (compare === undefined) {
    throw invalidConfig(`thresholds of ${metric}: "${threshold}" is not like "p(99)<250"`);
  }
  const delayAbortMs = parseDuration(delayAbortEval);
  if (delayAbortMs === undefined) {
    throw invalidConfig(`thresholds of ${metric}: delayAbortEval "${delayAbortEval}" is not a duration`);
  }
  return {
    source: String(threshold),
    figure,
    abortOnFail: abortOnFail === true,
    delayAbortMs,
    holds: (sink, seconds) => compare(sink.figure(figure, seconds) ?? Number.NaN, Number(bound)),
  };
}

function settings(metric: string, item: unknown): Record<string, unknown> {
  if (typeof item === "string") return { threshold: item };
  if (typeof item === "object" && item !== null) return { ...item };
  throw invalidConfig(`thresholds of ${metric}: ${JSON.stringify(item)} is neither a text nor an object`);
}

/** Throws RunFailure when a metric of the type has no such figure. */
export function checkFigures(group: ThresholdGroup, type: MetricType): void {
  for (const { figure, source } of group.thresholds) {
    if (!hasFigure(type, figure)) {
      throw invalidConfig(`threshold "${source}": ${group.metric} is a ${type}, which has no "${figure}"`);
    }
  }
}
