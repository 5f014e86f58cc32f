/**
 * One process at a time in a run folder. Each asker lays down a file of its own and then looks for others: of two who ask at
 * once at least one sees the other, and a file whose process is gone is swept, so that no lock is ever taken over by mistake.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RunError } from '../errors.ts';
import { writeAtomically } from '../formats/atomic.ts';
import { liveHolder, ownHolder, type Holder } from '../link/holder.ts';

/** Two who ask at the same moment both step back and ask again a little later. */
const attempts = 8, longestPause = 60;

export interface RunLock {
  release(): Promise<void>;
}

/** Takes the folder for this process. Throws RunError where another one, alive, has it. */
export async function lockRunFolder(folder: string): Promise<RunLock> {
  await mkdir(folder, { recursive: true });
  const own = ownHolder();
  for (let attempt = 1; ; attempt++) {
    const name = `.lock-${randomBytes(8).toString('hex')}`;
    const path = join(folder, name);
    await writeAtomically(path, JSON.stringify(own));
    const other = await liveHolder(folder, { except: name });
    if (!other) return { release: () => rm(path, { force: true }) };
    await rm(path, { force: true });
    if (attempt === attempts) throw inUse(folder, other);
    await setTimeout(Math.random() * longestPause);
  }
}

/** What there is to say where a live process has the folder. */
export function inUse(folder: string, { pid, host }: Holder): RunError {
  const here = host === ownHolder().host;
  return new RunError(`${folder} is in use: process ${pid}${here ? '' : ` on ${host}`} trains there. Stop it first, or give another folder with --run${here ? '' : `. If that machine is gone, remove ${folder}/.lock-*`}`);
}
