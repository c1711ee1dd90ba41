// Signals to processes that may be gone.

/** Returns those that were there. */
export function signalProcesses(pids: readonly number[], signal: NodeJS.Signals): readonly number[] {
  return pids.filter((pid) => {
    try {
      return process.kill(pid, signal);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
      throw error;
    }
  });
}
