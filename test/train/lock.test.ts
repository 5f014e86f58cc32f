/** One process a run folder: live locks hold, those of dead or reborn processes do not, and of many who ask at once one gets it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { RunError } from '../../backend/errors.ts';
import { liveHolder } from '../../backend/link/holder.ts';
import { lockRunFolder } from '../../backend/train/lock.ts';
import { isRunning, processStart } from '../../backend/link/process.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const locks = (path: string): string[] => readdirSync(path).filter((name) => name.startsWith('.lock-'));

/** A process number that nobody has: that of a child that has ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '0']);
  await once(child, 'exit');
  return child.pid!;
}

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
  const script = join(folder, 'racer.mjs');
  const journal = join(folder, 'journal.txt');
  buildSync({
    stdin: {
      contents: `import { lockRunFolder } from '../../backend/train/lock.ts'; import { appendFileSync } from 'node:fs';
        for (;;) {
          const lock = await lockRunFolder(process.argv[2]).catch(() => null);
          if (!lock) continue;
          appendFileSync(process.argv[3], '+'); await new Promise((r) => setTimeout(r, 5)); appendFileSync(process.argv[3], '-');
          await lock.release(); break;
        }`,
      resolveDir: import.meta.dirname, loader: 'ts',
    },
    bundle: true, platform: 'node', format: 'esm', outfile: script, logLevel: 'error',
  });
  for (let round = 0; round < 5; round++) {
    const path = join(folder, `race-${round}`);
    await (await lockRunFolder(path)).release();
    writeFileSync(join(path, `.lock-${'0'.repeat(16)}`), JSON.stringify({ pid: await deadProcess(), start: null, host: hostname() }));
    writeFileSync(journal, '');
    const children = Array.from({ length: 12 }, () => spawn(process.execPath, [script, path, journal], { stdio: 'inherit' }));
    await Promise.all(children.map((child) => once(child, 'exit')));
    expect(readFileSync(journal, 'utf8')).toBe('+-'.repeat(12));
    expect(locks(path)).toEqual([]);
  }
});
