// Between a pick and the beginning of its call there is a turn of promises, in which other calls are picked: they must see this one, or a
// burst of calls all goes to the endpoint that had the fewest. A pick whose call never begins is let go with the turn of the event loop.
interface Reservable {
  reserved: number;
}

export class Reservations {
  #held: Array<() => void> = [];

  /** Counts one more on each of `targets`. Hands back what lets them go; calling that again does nothing. */
  hold(targets: readonly Reservable[]): () => void {
    let held = true;
    for (const target of targets) target.reserved += 1;
    const release = (): void => {
      if (!held) return;
      held = false;
      for (const target of targets) target.reserved -= 1;
    };
    if (this.#held.length === 0) setImmediate(() => this.#releaseAll());
    this.#held.push(release);
    return release;
  }

  #releaseAll(): void {
    const held = this.#held;
    this.#held = [];
    for (const release of held) release();
  }
}
