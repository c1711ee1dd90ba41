// Many calls of one kind: so many at a time, and the outcome of each for itself.

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

export interface BatchOptions {
  /** Calls under way at a time. Default 16. */
  readonly concurrency?: number;
  /** Nothing is begun any more when it aborts; what was not begun fails with its reason. */
  readonly signal?: AbortSignal;
}

/** The outcomes in the order of `items`. Never rejects for a call that fails. Throws when `concurrency` is not a whole number from 1. */
export async function batch<T, R>(
  items: Iterable<T>,
  call: (item: T) => Promise<R>,
  options: BatchOptions = {},
): Promise<Array<Outcome<R>>> {
  const { concurrency = 16, signal } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`concurrency must be a whole number from 1, got ${concurrency}`);
  }
  const outcomes: Array<Outcome<R>> = [];
  const queue = [...items].entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) outcomes[index] = await outcomeOf(item, call, signal);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return outcomes;
}

async function outcomeOf<T, R>(
  item: T,
  call: (item: T) => Promise<R>,
  signal: AbortSignal | undefined,
): Promise<Outcome<R>> {
  try {
    signal?.throwIfAborted();
    return { ok: true, value: await call(item) };
  } catch (error) {
    return { ok: false, error };
  }
}
