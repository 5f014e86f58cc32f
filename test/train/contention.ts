/** Processes that want the same run folder, and readers of what the one that has it saves: samples in the tests, the full count in bench/reliability.mjs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import { lockRunFolder } from '../../backend/train/lock.ts';

/** A process number that nobody has: that of a child that has ended. */
export async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '0']);
  await once(child, 'exit');
  return child.pid!;
}

export const locks = (path: string): string[] => readdirSync(path).filter((name) => name.startsWith('.lock-'));

/** A run folder that a process left without unlocking it. */
export async function leftFolder(path: string): Promise<string> {
  await (await lockRunFolder(path)).release();
  writeFileSync(join(path, `.lock-${'0'.repeat(16)}`), JSON.stringify({ pid: await deadProcess(), start: null, host: hostname() }));
  return path;
}

/** Written by whoever has the folder: one letter, so many times. */
const savedBytes = 300_000;
const savedFile = 'status.json';

/** The program of one process: takes the folder `turns` times; meanwhile a '+' and a '-' in the journal, and the saved file anew between them. Its path. */
export function buildRacer(folder: string, repository: string): string {
  const outfile = join(folder, 'racer.mjs');
  buildSync({
    stdin: {
      contents: `import { appendFileSync } from 'node:fs'; import { join } from 'node:path';
        import { writeAtomically } from './backend/formats/atomic.ts'; import { lockRunFolder } from './backend/train/lock.ts';
        const [path, journal, turns] = process.argv.slice(2);
        for (let turn = 0; turn < Number(turns);) {
          const lock = await lockRunFolder(path).catch(() => null);
          if (!lock) { await new Promise((r) => setTimeout(r, Math.random())); continue; }
          appendFileSync(journal, '+');
          await writeAtomically(join(path, '${savedFile}'), String.fromCharCode(97 + (turn++ % 26)).repeat(${savedBytes}));
          appendFileSync(journal, '-');
          await lock.release();
        }`,
      resolveDir: repository, loader: 'ts',
    },
    bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error',
  });
  return outfile;
}

export interface Contention {
  /** Times that the folder was had; times that two had it at once. */
  turns: number;
  overlaps: number;
  /** Of the saved file: read from its path, and from a handle that was opened before; those that were not one save whole. */
  reads: number;
  torn: number;
  locksLeft: number;
}

/** Lets processes contend for a folder, each until it has had it `turns` times, and `readers` read meanwhile what is saved there. */
export async function contend(path: string, racer: string, { processes, turns, readers }: { processes: number; turns: number; readers: number }): Promise<Contention> {
  const journal = `${path}.journal`, saved = join(path, savedFile);
  writeFileSync(journal, '');
  let isOn = true, reads = 0, torn = 0;
  const judge = (bytes: Buffer): void => {
    reads++;
    if (bytes.length !== savedBytes || bytes.some((byte) => byte !== bytes[0])) torn++;
  };
  const children = Array.from({ length: processes }, () => spawn(process.execPath, [racer, path, journal, String(turns)], { stdio: 'inherit' }));
  const ended = Promise.all(children.map((child) => once(child, 'exit')));
  const reading = Array.from({ length: readers }, async (_, reader) => {
    while (isOn) {
      const handle = await open(saved).catch(() => null);
      // A save may come between; what was opened must stay what it was.
      await setTimeout(reader % 5);
      if (!handle) continue;
      judge(await handle.readFile().finally(() => handle.close()));
      judge(readFileSync(saved));
    }
  });
  await ended;
  isOn = false;
  await Promise.all(reading);
  const text = readFileSync(journal, 'utf8');
  return { turns: text.length / 2, overlaps: text.replaceAll('+-', '').length, reads, torn, locksLeft: locks(path).length };
}
