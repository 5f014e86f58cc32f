/** How a person ends long work: once to end it well, twice to end it now. */

/**
 * Aborts at the first SIGINT or SIGTERM. At the second the process ends at once, as signals end it by default: a checkpoint in
 * the making is left behind half-written under a temporary name, and swept later.
 */
export function stopBySignals(onStop: () => void): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM'] as const;
  const release = (): void => {
    for (const name of names) process.removeListener(name, stop);
  };
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      release();
      process.kill(process.pid, name);
      return;
    }
    onStop();
    controller.abort();
  };
  for (const name of names) process.on(name, stop);
  return { signal: controller.signal, release };
}
