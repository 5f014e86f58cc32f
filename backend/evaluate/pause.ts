/** A long measurement's breath: between two of its parts others have the thread, and whoever asked for it may end it. */
import { setImmediate } from 'node:timers/promises';

/** Lets messages in. Rejects with the signal's reason where it has been aborted; without a signal nobody waits. */
export async function pause(signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return;
  await setImmediate();
  signal.throwIfAborted();
}
