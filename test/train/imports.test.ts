/** What the main thread of a run loads: no TensorFlow.js and no engine, which the training thread alone needs. */
import { build } from 'esbuild';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test.each(['backend/train/runFile.ts', 'backend/train/loop.ts', 'backend/server.ts', 'backend/commands/detach.ts', 'extension/runs/runSet.ts'])('%s needs no tensors', async (entry) => {
  const { metafile } = await build({ entryPoints: [join(root, entry)], bundle: true, platform: 'node', format: 'esm', write: false, metafile: true, logLevel: 'error', external: ['koffi', 'sharp', '@julusian/jpeg-turbo'], absWorkingDir: root });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs).toContain(entry);
  expect(inputs.filter((path) => path.includes('tfjs') || path.startsWith('backend/engines/') || path.startsWith('backend/nn/parameters'))).toEqual([]);
});
