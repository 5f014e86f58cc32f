/** `siamscope tokenizer` from images to a file, and BEiT with that file: what is learned, kept in checkpoints, and said. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTensorFile } from '../../backend/formats/tensorFile.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { photos, quick, rowsOf, run } from './command.ts';

const folder = temporaryFolder();
const small = [...quick, '--set', 'model.patchSize=4'];

test('a tokenizer is trained, written, and used by a run that resumes without it', async () => {
  const out = join(folder, 'codes.safetensors');
  const trained = await run(['tokenizer', '--data', photos, '--preset', 'tokenizer-tiny', '--out', out, ...small, '--set', 'schedule.steps=40', '--set', 'schedule.warmupSteps=2', '--set', 'method.vocabulary=64', '--set', 'optimizer.baseLearningRate=0.2']);
  expect(trained).toMatchObject({ code: 0 });
  expect(trained.stderr).toContain('"tokenizer":"trained"');
  const rows = rowsOf(join(folder, 'runs/codes'));
  const error = (from: number, to: number): number => rows.slice(from, to).reduce((sum, row) => sum + row.reconstruction_error! / (to - from), 0);
  expect(error(35, 40)).toBeLessThan(0.5 * error(0, 2));
  expect(rows.at(-1)).toMatchObject({ code_perplexity: expect.any(Number) });
  const file = await openTensorFile(out);
  expect(file.tensors.map(({ name, shape }) => [name, shape])).toContainEqual(['encoder.2.weight', [64, 32, 1, 1]]);
  expect(file.tensors.every(({ name }) => name.startsWith('encoder.'))).toBe(true);
  await file.close();

  // The same file, from the run's folder.
  const again = await run(['tokenizer', join(folder, 'runs/codes'), '--out', join(folder, 'again.safetensors'), '--json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ method: { name: 'beit', tokenizer: 'trained', tokenizerWidth: 32, tokenizerStride: 4, vocabulary: 64 } });
  expect(readFileSync(join(folder, 'again.safetensors')).equals(readFileSync(out))).toBe(true);

  const beit = join(folder, 'beit.siam.json');
  await run(['init', beit, '--data', photos, '--preset', 'beit-tiny']);
  const use = ['tokenizer=trained', `tokenizerWeights=${out}`, 'tokenizerWidth=32', 'tokenizerStride=4', 'vocabulary=64'].flatMap((set) => ['--set', `method.${set}`]);
  const train = (steps: number, ...more: string[]) => run(['train', beit, ...small, ...use, '--set', 'schedule.warmupSteps=1', '--set', `schedule.steps=${steps}`, ...more]);
  const first = await train(2);
  expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining('BEiT, a dVAE trained here as tokenizer') });
  expect(Math.abs(rowsOf(join(folder, 'runs/beit'))[0]!.loss - Math.log(64))).toBeLessThan(0.5);
  rmSync(out);
  expect(await train(4, '--resume')).toMatchObject({ code: 0 });
  expect((await train(4, '--run', join(folder, 'other'))).stderr).toContain('method.tokenizerWeights');
});

test('what is no tokenizer is refused, with what to do', async () => {
  const file = join(folder, 'tiny.siam.json');
  await run(['init', file, '--data', photos]);
  const out = join(folder, 'none.safetensors');
  expect(await run(['tokenizer', file, '--out', out])).toMatchObject({ code: 2, stderr: expect.stringContaining('trains method siamese, and a tokenizer is trained by method dvae') });
  expect(await run(['tokenizer', '--out', out])).toMatchObject({ code: 2, stderr: expect.stringContaining('give a run file, or the folder of a run, or --data with images') });
});
