/** `siamscope inspect`: the header as JSON, and as a table that fits the terminal and cannot command it. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatInspection, inspectTensorFile } from '../../backend/formats/inspect.ts';
import { writeSafetensors } from '../../backend/formats/tensorFile.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { checkpoint, dict, global, pickle, tensor } from './hostile.ts';

const folder = temporaryFolder();
const fixtures = join(import.meta.dirname, '../fixtures');

test('a checkpoint of the authors, as text', async () => {
  const inspection = await inspectTensorFile(join(fixtures, 'reference/mae-0/model.pth'));
  const [, ...lines] = formatInspection({ ...inspection, path: 'model.pth' }).split('\n');
  expect(lines).toEqual([
    'PyTorch checkpoint, 610.8 kB, 62 tensors, 148,976 values',
    '',
    'Tensors                   Shape        Type  Values',
    'model.cls_token           [1, 1, 48]   F32       48',
    'model.pos_embed           [1, 37, 48]  F32    1,776',
    'model.mask_token          [1, 1, 32]   F32       32',
    'model.decoder_pos_embed   [1, 37, 32]  F32    1,184',
    'model.patch_embed         2 tensors    F32   36,912',
    'model.blocks.0-1          24 tensors   F32   56,544',
    'model.norm                2 tensors    F32       96',
    'model.decoder_embed       2 tensors    F32    1,568',
    'model.decoder_blocks.0-1  24 tensors   F32   25,408',
    'model.decoder_norm        2 tensors    F32       64',
    'model.decoder_pred        2 tensors    F32   25,344',
    '',
    'Besides tensors',
    '  epoch  3',
    '',
  ]);
});

test('as data it survives JSON', async () => {
  for (const name of ['training.pth', 'views.pth', 'module.pth', 'types.pth']) {
    const inspection = await inspectTensorFile(join(fixtures, 'pth', name));
    expect(JSON.parse(JSON.stringify(inspection))).toEqual(inspection);
    expect(inspection.format).toBe('pth');
    expect(inspection.bytes).toBeGreaterThan(1000);
  }
});

describe.each([40, 80, 120])('at %i columns', (columns) => {
  test('no line is longer', async () => {
    const paths = [...readdirSync(join(fixtures, 'pth')).filter((name) => name.endsWith('.pth') && name !== 'legacy.pth').map((name) => join(fixtures, 'pth', name)), join(fixtures, 'reference/siamese-0/model.pth'), join(fixtures, 'reference/siamese-0/batch.safetensors')];
    for (const path of paths) for (const line of formatInspection(await inspectTensorFile(path), columns).split('\n')) expect(line.length, line).toBeLessThanOrEqual(columns);
  });
});

test('warnings stand at the end', async () => {
  const path = join(folder, 'more.pth');
  writeFileSync(path, checkpoint(pickle(dict({ a: tensor(), b: `${global('os', 'system')})R` }))));
  expect(formatInspection({ ...await inspectTensorFile(path), path: 'more.pth' })).toBe(`more.pth
PyTorch checkpoint, 486 B, 1 tensor, 4 values

Tensors  Shape  Type  Values
a        [4]    F32        4

Besides tensors
  b  <os.system>

Warning: it holds more than tensors: os.system (left out; nothing of them was
run).
`);
});

test('names cannot command the terminal', async () => {
  const path = join(folder, 'escape.safetensors');
  await writeSafetensors(path, [{ name: '\u001b[2J\u202ename\n', dtype: 'U8', shape: [1], data: Uint8Array.of(1) }], { '\u0007': '\u001b]0;title\u0007' });
  const text = formatInspection({ ...await inspectTensorFile(path), path: '\u001b[1m' });
  expect(text).not.toMatch(/[^\n\x20-\x7e]/);
  expect(text).toContain('\\u001b[2J\\u202ename\\u000a');
});

test('a file without tensors', async () => {
  const path = join(folder, 'none.safetensors');
  await writeSafetensors(path, []);
  expect(formatInspection({ ...await inspectTensorFile(path), path: 'none' }).split('\n')[1]).toBe('safetensors, 16 B, 0 tensors, 0 values');
});
