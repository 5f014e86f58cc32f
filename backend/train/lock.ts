/**
 * One process at a time in a run folder. Each asker lays down a file of its own and then looks for others: of two who ask at
 * once at least one sees the other, and a file whose process is gone is swept, so that no lock is ever taken over by mistake.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RunError } from '../errors.ts';
import { writeAtomically } from '../formats/atomic.ts';
import { isRunning, processStart } from './process.ts';

interface Holder {
  pid: number;
  /** When the process began, as its system says; null where it does not. */
  start: string | null;
  host: string;
}

const fileName = /^\.lock-[0-9a-f]{16}$/;
/** Two who ask at the same moment both step back and ask again a little later. */
const attempts = 8, longestPause = 60;

export interface RunLock {
  release(): Promise<void>;
}

/** Takes the folder for this process. Throws RunError where another one, alive, has it. */
export async function lockRunFolder(folder: string): Promise<RunLock> {
  await mkdir(folder, { recursive: true });
  const own: Holder = { pid: process.pid, start: processStart(process.pid), host: hostname() };
  for (let attempt = 1; ; attempt++) {
    const name = `.lock-${randomBytes(8).toString('hex')}`;
    const path = join(folder, name);
    await writeAtomically(path, JSON.stringify(own));
    const other = await liveHolder(folder, name);
    if (!other) return { release: () => rm(path, { force: true }) };
    await rm(path, { force: true });
    if (attempt === attempts) throw new RunError(`${folder} is in use: process ${other.pid}${other.host === own.host ? '' : ` on ${other.host}`} trains there. Stop it first, or give another folder with --run${other.host === own.host ? '' : `. If that machine is gone, remove ${folder}/.lock-*`}`);
    await setTimeout(Math.random() * longestPause);
  }
}

/** Whoever else has a lock in the folder and is alive; files of those who are not are removed. */
export async function liveHolder(folder: string, except = ''): Promise<Holder | null> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!fileName.test(name) || name === except) continue;
    const path = join(folder, name);
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text === null) continue;
    const holder = parseHolder(text);
    if (holder && (holder.host !== hostname() || isRunning(holder.pid, holder.start))) return holder;
    await rm(path, { force: true });
  }
  return null;
}

/** Locks appear whole, so one that is not was damaged by a power loss, and its process is gone. */
function parseHolder(text: string): Holder | null {
  try {
    const { pid, start, host } = JSON.parse(text) as Holder;
    return Number.isInteger(pid) && typeof host === 'string' ? { pid, start, host } : null;
  } catch {
    return null;
  }
}
