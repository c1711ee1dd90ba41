// Interrupting a command of the harness: the first signal stops what was started in good order, a second one does not wait.

/** Aborted by SIGINT or SIGTERM. */
export function abortOnSignals(output: { write(text: string): unknown }): AbortSignal {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      // Every child has a watchdog that ends it when this process is gone.
      if (interrupt.signal.aborted) process.exit(130);
      output.write(`\n${name}: stopping what was started\n`);
      interrupt.abort(new Error(`interrupted by ${name}`));
    });
  }
  return interrupt.signal;
}
