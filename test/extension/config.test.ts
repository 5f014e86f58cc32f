/** What the editor finds out about images, recipes and run files without the backend. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Diagnosis, EngineDiagnosis } from '../../backend/protocol.ts';
import { presetSummaries } from '../../backend/presets/index.ts';
import { lastWords } from '../../extension/command.ts';
import { imageFolders } from '../../extension/config/imageFolders.ts';
import { rankPresets } from '../../extension/config/presetOrder.ts';
import { freeName, plainValue, runFolderOf, runNameOf, spanOf } from '../../extension/config/runFileText.ts';
import { engineDetails, engineRow, machineDetails, machineRow } from '../../extension/engines/engineRows.ts';
import { parseDiagnosis, parsePresets } from '../../extension/engines/parseDiagnosis.ts';
import { untranslated as t } from '../../extension/translate.ts';

const files = (folder: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${folder}${folder === '' ? '' : '/'}${i}.jpg`);

describe('folders of images', () => {
  test('a folder of class folders stands for them', () => {
    expect(imageFolders([...files('data/train/cat', 10), ...files('data/train/dog', 12), ...files('data/test/cat', 8), ...files('data/test/dog', 9), ...files('docs', 3)])).toEqual([
      { path: 'data/train', images: 22, classes: 2 },
      { path: 'data/test', images: 17, classes: 2 },
    ]);
  });

  test('the workspace folder itself, flat folders, and folders that only lead to another', () => {
    expect(imageFolders(files('', 20))).toEqual([{ path: '', images: 20, classes: 0 }]);
    expect(imageFolders(files('a/b/photos', 20))).toEqual([{ path: 'a/b/photos', images: 20, classes: 0 }]);
    expect(imageFolders(files('icons', 7))).toEqual([]);
    expect(imageFolders([])).toEqual([]);
  });
});

const engine = (name: EngineDiagnosis['name'], over: Partial<EngineDiagnosis> = {}): EngineDiagnosis => ({ name, status: 'ready', reason: null, version: '1.0', device: 'cpu', deviceName: 'A processor', path: '/lib', precisions: ['fp32'], matmul_gflops: { fp32: 129 }, ...over });
const absent: Partial<EngineDiagnosis> = { status: 'unavailable', reason: 'not installed', version: null, device: null, deviceName: null, path: null, precisions: [], matmul_gflops: {} };
const machine = (chosen: EngineDiagnosis['name'] | null, engines: EngineDiagnosis[], gpus: Diagnosis['gpus'] = []): Diagnosis => ({ node: 'v24.0.0', platform: 'linux x64 6.1', cpu: { model: 'A processor', cores: 2, flags: [] }, memory: 16 * 2 ** 30, gpus, engines, chosen });
const presets = Object.entries(presetSummaries).map(([preset, summary]) => ({ preset, summary }));

describe('recipes for this machine', () => {
  const order = (diagnosis: Diagnosis | null): string[] => rankPresets(presets, diagnosis, t).map(({ preset }) => preset);
  const torch = (device: string, deviceName: string): EngineDiagnosis => engine('torch', { device, deviceName, precisions: ['fp32', 'bf16'] });

  test('the paper\'s on a large GPU, smaller ones on a small GPU, the demo on a CPU, the smallest without an engine', () => {
    expect(order(machine('torch', [torch('cuda:0', 'NVIDIA H200')], [{ name: 'NVIDIA H200', bytes: 141e9 }]))[0]).toBe('siamese-vit-base');
    expect(order(machine('torch', [torch('cuda:0', 'NVIDIA T4')], [{ name: 'NVIDIA T4', bytes: 16e9 }]))[0]).toBe('siamese-vit-small');
    expect(order(machine('torch', [engine('torch')]))[0]).toBe('demo');
    expect(order(machine('wasm', [engine('torch', absent), engine('wasm')]))[0]).toBe('tiny');
    expect(order(machine(null, [engine('torch', absent)]))[0]).toBe('tiny');
  });

  test('every method\'s recipe for minutes is offered to a CPU as such, before all that is meant for a GPU', () => {
    const ranked = rankPresets(presets, machine('torch', [engine('torch')]), t);
    const minutes = ranked.filter(({ preset }) => preset.endsWith('-tiny'));
    expect(minutes.length).toBeGreaterThanOrEqual(10);
    for (const { why } of minutes) expect(why).toBe('made for a CPU such as A processor');
    const forGpus = ranked.findIndex(({ why }) => why.includes('meant for a GPU'));
    expect(ranked.slice(forGpus).every(({ why }) => why.includes('meant for a GPU'))).toBe(true);
  });

  test('one is best, each says why, none is left out; without a diagnosis nothing is claimed', () => {
    const ranked = rankPresets(presets, machine('torch', [engine('torch')], [{ name: 'NVIDIA T4', bytes: 16e9 }]), t);
    expect(ranked.filter(({ best }) => best)).toHaveLength(1);
    for (const { why } of ranked) expect(why).not.toBe('');
    expect(rankPresets(presets, machine('torch', [torch('cuda:0', 'NVIDIA T4')], [{ name: 'NVIDIA T4', bytes: 16e9 }]), t).find(({ preset }) => preset === 'tokenizer')!.why).toBe('fits NVIDIA T4');
    expect(ranked.find(({ preset }) => preset === 'siamese-vit-small')!.why).toContain('NVIDIA T4 is here, and no engine that uses it');
    expect(ranked.map(({ preset }) => preset).sort()).toEqual(presets.map(({ preset }) => preset).sort());
    expect(rankPresets(presets, null, t).every(({ why, best }) => why === '' && !best)).toBe(true);
  });
});

describe('engines', () => {
  test('what is in use, what is selected, what can be installed, and why', () => {
    const diagnosis = machine('torch', [engine('torch', { device: 'cuda:0', deviceName: 'NVIDIA H200' }), engine('tensorflow', absent), engine('wasm', { status: 'broken', reason: 'its process ended' })], [{ name: 'NVIDIA H200', bytes: 141 * 2 ** 30 }]);
    const rows = (selected: string) => diagnosis.engines.map((one) => engineRow(one, diagnosis, selected, t));
    expect(rows('auto').map(({ label, description, contextValue }) => [label, description, contextValue])).toEqual([
      ['libtorch 1.0', 'in use · NVIDIA H200', 'engine ready installable selectable'],
      ['TensorFlow', 'not installed', 'engine unavailable installable'],
      ['WebAssembly 1.0', 'broken', 'engine broken'],
    ]);
    expect(rows('torch')[0]).toMatchObject({ description: 'selected · NVIDIA H200', contextValue: 'engine ready installable' });
    expect(rows('auto')[2]!.accessibleLabel).toContain('its process ended');
    expect(engineDetails(diagnosis.engines[1]!, t).map(({ description }) => description)).toEqual(['not installed']);
    expect(machineRow(diagnosis, t).description).toBe('NVIDIA H200');
    expect(machineDetails(diagnosis, t).map(({ label }) => label)).toEqual(['GPU', 'Processor', 'Memory', 'Node']);
  });

  test('an answer of another shape counts as none', () => {
    const good = machine('torch', [engine('torch')]);
    expect(parseDiagnosis(JSON.parse(JSON.stringify(good)))).toEqual(good);
    for (const [key, value] of [['engines', [{}]], ['engines', 'x'], ['gpus', undefined], ['cpu', null], ['chosen', 'evil'], ['memory', '1']] as const) expect(parseDiagnosis({ ...good, [key]: value })).toBeNull();
    for (const value of [null, 1, [], 'x']) expect(parseDiagnosis(value)).toBeNull();
    expect(parsePresets([{ preset: 'a', summary: 'b' }, { preset: 1 }, null])).toEqual([{ preset: 'a', summary: 'b' }]);
  });
});

describe('a run file\'s text', () => {
  const text = '{\n  "name": "flowers", // the best\n  "model": { "imageSize": 100 },\n  "augment": [{ "size": 64 }],\n}';
  const at = (...path: (string | number)[]): string => {
    const { offset, length } = spanOf(text, path);
    return text.slice(offset, offset + length);
  };

  test('a problem is shown at its key, or at the nearest around it, in half-written files too', () => {
    expect(at('model', 'imageSize')).toBe('"imageSize"');
    expect(at('model', 'patchSize')).toBe('"model"');
    expect(at('augment', 0)).toBe('{ "size": 64 }');
    expect(at('augment', 0, 'size')).toBe('"size"');
    expect(at('optimizer', 'eps')).toBe('{');
    expect(spanOf('', ['x'])).toEqual({ offset: 0, length: 0 });
    expect(spanOf('{ "model": { "imageSize": 1', ['model', 'imageSize'])).toEqual({ offset: 13, length: 11 });
  });

  test('its run folder, never outside "runs"', () => {
    expect(runFolderOf('/w/a.siam.json', text)).toBe(join('/w', 'runs', 'flowers'));
    for (const name of ['../x', '', '/etc', '.x', 'a/b', 'a\\b']) expect(runFolderOf('/w/a.siam.json', JSON.stringify({ name }))).toBeNull();
    expect(plainValue(text, ['model', 'imageSize'])).toBe(100);
    expect(plainValue(text, ['model'])).toBeUndefined();
    expect(plainValue('[', ['model'])).toBeUndefined();
  });

  test('names of runs from names of folders', () => {
    expect(['flowers', 'My photos', '../..', 'été:2024', '-x-', ''].map(runNameOf)).toEqual(['flowers', 'My photos', 'run', 'été-2024', 'x', 'run']);
    expect(freeName('a', (name) => ['a', 'a-2'].includes(name))).toBe('a-3');
  });
});

test('of a failed command, its last words for people are shown', () => {
  expect(lastWords(['error: first', 'error: the file is gone', '{"phase":"x"}', ''], 2)).toBe('the file is gone');
  expect(lastWords([], 3)).toBe('the command ended with exit code 3');
});
