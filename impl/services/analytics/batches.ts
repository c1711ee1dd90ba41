// Messages of a stream, as many at a time as have come while the last ones were worked on.

/** Each batch has at least one message and at most `most`. Closes the stream when its reader leaves. */
export async function* inBatches<M>(stream: AsyncIterable<M>, most: number): AsyncGenerator<M[]> {
  const messages = stream[Symbol.asyncIterator]();
  try {
    let coming = messages.next();
    for (;;) {
      const first = await coming;
      if (first.done === true) return;
      const batch = [first.value];
      coming = messages.next();
      // A failure is for who awaits it.
      coming.catch(() => {});
      while (batch.length < most) {
        const next = await Promise.race([coming, aTurn()]).catch(() => undefined);
        if (next === undefined || next.done === true) break;
        batch.push(next.value);
        coming = messages.next();
        coming.catch(() => {});
      }
      yield batch;
    }
  } finally {
    // Not awaited: the stream may be waiting for its next message, which its signal or its call ends.
    void messages.return?.()?.catch(() => {});
  }
}

/** Long enough for what has arrived to be read. */
function aTurn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}
