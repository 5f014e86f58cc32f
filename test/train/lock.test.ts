/** One process a run folder: live locks hold, those of dead or reborn processes do not, and of many who ask at once one gets it. */
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RunError } from '../../backend/errors.ts';
import { liveHolder } from '../../backend/link/holder.ts';
import { lockRunFolder } from '../../backend/train/lock.ts';
import { isRunning, processStart } from '../../backend/link/process.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { buildRacer, contend, deadProcess, leftFolder, locks } from './contention.ts';

const folder = temporaryFolder();
test('held until it is released', async () => {
  const path = join(folder, 'held');
  const lock = await lockRunFolder(path);
  expect(await liveHolder(path)).toMatchObject({ pid: process.pid });
  await expect(lockRunFolder(path)).rejects.toThrow(RunError);
  await expect(lockRunFolder(path)).rejects.toThrow(`process ${process.pid} trains there`);
  await lock.release();
  expect(locks(path)).toEqual([]);
  await (await lockRunFolder(path)).release();
});

test('the lock of a dead process, of a reborn one and a damaged one are swept; another machine\'s is not', async () => {
  const path = join(folder, 'stale');
  await (await lockRunFolder(path)).release();
  const put = (name: string, content: unknown): void => writeFileSync(join(path, `.lock-${name.repeat(16)}`), typeof content === 'string' ? content : JSON.stringify(content));
  put('a', { pid: await deadProcess(), start: null, host: hostname() });
  put('b', '{"pid":');
  if (processStart(process.pid) !== null) put('c', { pid: process.pid, start: 'another time', host: hostname() });
  const lock = await lockRunFolder(path);
  expect(locks(path)).toHaveLength(1);
  await lock.release();
  put('d', { pid: 1, start: null, host: 'elsewhere' });
  await expect(lockRunFolder(path)).rejects.toThrow('on elsewhere');
});

test('a process is told from a later one of the same number', async () => {
  expect(isRunning(process.pid, processStart(process.pid))).toBe(true);
  expect(isRunning(await deadProcess(), null)).toBe(false);
  const start = processStart(process.pid);
  if (start === null) console.warn('SKIPPED: process start times: this system does not tell them');
  else expect(isRunning(process.pid, `${start}0`)).toBe(false);
});

test('twelve processes race for a folder with a stale lock, five times: never two at once, all get it in the end', async () => {
  const racer = buildRacer(folder, join(import.meta.dirname, '../..'));
  for (let round = 0; round < 5; round++) expect(await contend(await leftFolder(join(folder, `race-${round}`)), racer, { processes: 12, turns: 1, readers: 0 })).toEqual({ turns: 12, overlaps: 0, reads: 0, torn: 0, locksLeft: 0 });
});

test('two that take it in turn and save there: readers see every save whole, from the path and from what they opened before', async () => {
  const racer = buildRacer(folder, join(import.meta.dirname, '../..'));
  const { reads, ...result } = await contend(await leftFolder(join(folder, 'saved')), racer, { processes: 2, turns: 10, readers: 5 });
  expect(result).toEqual({ turns: 20, overlaps: 0, torn: 0, locksLeft: 0 });
  expect(reads).toBeGreaterThan(20);
});
