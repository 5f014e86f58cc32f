/** Writing beside and renaming: a reader sees the old file or the new one, never a part, whatever fails or is killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { fsyncDirectory, sweepTemporaryFiles, writeAtomically } from '../../backend/formats/atomic.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();

test('text, bytes or a writer of its own; the writer\'s result is given', async () => {
  const path = join(folder, 'a.json');
  await writeAtomically(path, 'one');
  await writeAtomically(path, Buffer.from('two'));
  expect(readFileSync(path, 'utf8')).toBe('two');
  expect(await writeAtomically(path, async (temporary) => { await writeFile(temporary, 'three'); return 3; })).toBe(3);
  expect(readFileSync(path, 'utf8')).toBe('three');
  await fsyncDirectory(folder);
});

test('a failure leaves the old file, and nothing beside it', async () => {
  const path = join(folder, 'kept.json');
  await writeAtomically(path, 'old');
  await expect(writeAtomically(path, async (temporary) => { await writeFile(temporary, 'half'); throw new Error('no space'); })).rejects.toThrow('no space');
  await expect(writeAtomically(path, () => Promise.resolve())).rejects.toThrow('ENOENT');
  mkdirSync(join(folder, 'directory'));
  await expect(writeAtomically(join(folder, 'directory'), 'x')).rejects.toThrow();
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
});

test('killed at 20 moments: the file is always whole, and what was left beside is swept', async () => {
  const path = join(folder, 'killed.txt');
  const script = join(folder, 'writer.mjs');
  buildSync({
    stdin: { contents: `import { writeAtomically } from '../../backend/formats/atomic.ts';
      for (let i = 0; ; i++) { await writeAtomically(process.argv[2], String.fromCharCode(97 + (i % 26)).repeat(2_000_000)); console.log(i); }`, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true, platform: 'node', format: 'esm', outfile: script, logLevel: 'error',
  });
  for (let round = 0; round < 20; round++) {
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    for (let i = 0; i <= round % 5; i++) {
      const text = readFileSync(path, 'latin1');
      expect(text === text[0]!.repeat(2_000_000)).toBe(true);
      await setTimeout(round);
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    const text = readFileSync(path, 'latin1');
    expect(text === text[0]!.repeat(2_000_000)).toBe(true);
  }
  writeFileSync(join(folder, '.other.partial'), 'not ours');
  const left = readdirSync(folder).filter((name) => /^\.killed\.txt\.[0-9a-f]+\.partial$/.test(name));
  expect((await sweepTemporaryFiles(folder)).sort()).toEqual(left.sort());
  expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual(['.other.partial']);
});
