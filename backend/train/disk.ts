/** Full disks: told from other failures, waited for, never a reason to lose what was computed. */
import { setTimeout } from 'node:timers/promises';
import { RunError } from '../errors.ts';

/** Whether the error, or what it came from, is a disk or a quota that is full. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || /\((ENOSPC|EDQUOT)\)/.test(error.message) || isDiskFull(error.cause);
}

/** Between two tries. */
const pauseMilliseconds = 5000;

export interface Patience {
  /** How long a full disk is waited for, in milliseconds. */
  milliseconds: number;
  /** Ends the waiting: the person wants to stop. */
  signal: AbortSignal;
  /** Told the reason when waiting begins, and null when it is over. */
  onWait: (reason: string | null) => void;
}

/** Does `action`, again and again while the disk is full. Rejects with what else goes wrong, or when patience or the run ends. */
export async function patiently<T>(what: string, action: () => Promise<T>, { milliseconds, signal, onWait }: Patience): Promise<T> {
  const deadline = performance.now() + milliseconds;
  for (let waiting = false; ; waiting = true) {
    try {
      const result = await action();
      if (waiting) onWait(null);
      return result;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      const reason = `the disk is full: ${what} cannot be written`;
      if (signal.aborted || performance.now() > deadline) throw new RunError(`${reason}. Free some space, then continue with --resume; the last checkpoint is whole`, { cause: error });
      if (!waiting) onWait(`${reason}. Free some space; training waits and tries again`);
      await setTimeout(pauseMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }
}
