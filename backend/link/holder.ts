/** Who holds a run's folder: processes name themselves in lock files, and a file whose process is gone counts for nothing. */
import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isRunning, processStart } from './process.ts';
import { readSmallFile } from './smallFile.ts';

export interface Holder {
  pid: number;
  /** When the process began, as its system says; null where it does not. */
  start: string | null;
  host: string;
}

export const lockName = /^\.lock-[0-9a-f]{16}$/;
const holderBytes = 4096;

export const ownHolder = (): Holder => ({ pid: process.pid, start: processStart(process.pid), host: hostname() });

/** Whether the process still runs; one of another machine, whom nobody here can ask, counts as running. */
export const isAlive = (holder: Holder): boolean => holder.host !== hostname() || isRunning(holder.pid, holder.start);

/** Files appear whole, so one that is not was damaged by a power loss, and its process is gone. */
export function parseHolder(value: unknown): Holder | null {
  if (typeof value !== 'object' || value === null) return null;
  const { pid, start, host } = value as Partial<Record<keyof Holder, unknown>>;
  const isPid = typeof pid === 'number' && Number.isInteger(pid) && pid > 0 && pid < 2 ** 32;
  return isPid && typeof host === 'string' && (start === null || typeof start === 'string') ? { pid, start, host } : null;
}

/** A JSON file's value; undefined where there is none. */
export function parseJsonText(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whoever else has a lock in the folder and is alive; files of those who are not are removed, unless `sweep` is false. */
export async function liveHolder(folder: string, { except = '', sweep = true } = {}): Promise<Holder | null> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!lockName.test(name) || name === except) continue;
    const path = join(folder, name);
    const text = await readSmallFile(path, holderBytes);
    const holder = parseHolder(parseJsonText(text));
    if (holder && isAlive(holder)) return holder;
    if (sweep && text !== null) await rm(path, { force: true });
  }
  return null;
}
