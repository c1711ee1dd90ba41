// What burden.ts is asked to do to each call of its process, as a text: burn:5%,wait:100,pad:40.

export interface Burden {
  /** CPU to burn, in microseconds. */
  readonly burn: number;
  /** CPU to burn, as a share of what the process itself spends on a call. */
  readonly burnShare: number;
  /** Sleep on the event loop, in microseconds; a timer of the kernel makes it some 50 µs longer. */
  readonly wait: number;
  /** Bytes to add to the response. */
  readonly pad: number;
}

/** Nothing for an empty text. Throws an Error that names `variable`, its value and the rule. */
export function parseBurden(text: string, variable: string): Burden {
  const result = { burn: 0, burnShare: 0, wait: 0, pad: 0 };
  for (const part of text.split(",").filter(Boolean)) {
    const match = /^(burn|wait|pad):(\d{1,7}(?:\.\d+)?)(%?)$/.exec(part.trim());
    const [, kind, amount, percent] = match ?? [];
    if (percent === "%" && kind === "burn") result.burnShare = Number(amount) / 100;
    else if (percent === "" && (kind === "burn" || kind === "wait" || kind === "pad"))
      result[kind] = Number(amount);
    else {
      throw new Error(
        `${variable}=${text}: must be parts such as burn:5% or burn:20 (µs of CPU), wait:100 (µs) and pad:40 (bytes), comma separated`,
      );
    }
  }
  return result;
}
