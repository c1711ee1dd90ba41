// The place in a stream of figures that a resume token stands for: how far the log was read, which windows were sent, and what of the
// windows that fill was told. The windows themselves are not in it: they are filled again from the log.
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { resumeExpired } from "../shared/event-stream-errors.ts";
import type { PageTokens, TokenUse } from "../shared/page-token.ts";
import type { MetricsQuery } from "./metrics-query.ts";
import type { OpenWindowsState } from "./open-windows.ts";

export interface MetricsPlace {
  readonly windows: OpenWindowsState;
  /** Events up to here had come. */
  readonly position: bigint;
  /** Windows that fill have been told as of here ... */
  readonly told: bigint;
  /** ... and those up to this one as of `position`; -Infinity for none. */
  readonly toldWindow: number;
}

export interface MetricsPlaces {
  seal(place: MetricsPlace): string;
  /** Undefined for one to begin anew from. Throws INVALID_ARGUMENT and OUT_OF_RANGE. */
  open(token: string): MetricsPlace | undefined;
  /** A token to begin anew from. */
  readonly anew: () => string;
}

const ANEW = "anew";

export function metricsPlaces(tokens: PageTokens, query: MetricsQuery): MetricsPlaces {
  const use: TokenUse = {
    purpose: "analytics.metrics.1",
    field: "resume_token",
    boundTo: JSON.stringify(query),
  };
  const anew = (): string => tokens.seal(use, ANEW);
  return {
    anew,
    seal: (place) => tokens.seal(use, write(place)),
    open(token) {
      try {
        const text = tokens.open(use, token);
        return text === ANEW ? undefined : read(text);
      } catch (error) {
        const expired = error instanceof RpcError && error.reason === "RESUME_TOKEN_EXPIRED";
        throw expired ? resumeExpired(anew, error) : error;
      }
    },
  };
}

type Short = [
  position: string,
  told: string,
  toldWindow: number | null,
  begin: number,
  closed: number | null,
  late: number,
];

function write({ windows, position, told, toldWindow }: MetricsPlace): string {
  const { begin, closed, late } = windows;
  // JSON has no infinity: it becomes null.
  return JSON.stringify([String(position), String(told), toldWindow, begin, closed, late]);
}

function read(text: string): MetricsPlace {
  const [position, told, toldWindow, begin, closed, late]: Short = JSON.parse(text);
  return {
    windows: { begin, closed: closed ?? Number.NEGATIVE_INFINITY, late },
    position: BigInt(position),
    told: BigInt(told),
    toldWindow: toldWindow ?? Number.NEGATIVE_INFINITY,
  };
}
