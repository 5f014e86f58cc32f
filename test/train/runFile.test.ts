/** Run files: presets and overrides below and above them, and one clear sentence for whatever is wrong. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../backend/errors.ts';
import { methodSchema } from '../../backend/methods/recipes.ts';
import { presetNames, presets, presetSummaries } from '../../backend/presets/index.ts';
import { Random } from '../../backend/random.ts';
import { runSchema, viewPlanOf } from '../../backend/train/config.ts';
import { parseJson } from '../../backend/train/json.ts';
import { runJsonSchema } from '../../backend/train/jsonSchema.ts';
import { completeRun, loadRun, parseOverride } from '../../backend/train/runFile.ts';
import { schemaText } from '../../backend/train/schemaText.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
let files = 0;

/** The text as a run file on disk, loaded. */
function load(text: string | object, overrides: string[] = []) {
  const path = join(folder, `${files++}.siam.json`);
  writeFileSync(path, typeof text === 'string' ? text : JSON.stringify(text, null, 2));
  return loadRun(path, overrides);
}

const minimal = { preset: 'tiny', name: 'test', data: { train: 'photos' } };

describe('what is left out', () => {
  test('every preset is a whole recipe, and completing it twice changes nothing', () => {
    for (const preset of presetNames) {
      const config = completeRun({ preset, name: 'test', data: { train: 'photos' } }, { folder });
      expect(completeRun(JSON.parse(JSON.stringify(config)), { folder: '/' })).toEqual(config);
      expect(runSchema.safeParse(config).success).toBe(true);
    }
  });

  test('the paper\'s recipe: batch 4096, 118 of 196 patches masked, learning rate 1e-3', () => {
    const { batch, model, method, augment, optimizer, schedule } = completeRun({ ...minimal, preset: 'siamese-vit-base' }, { folder });
    expect(batch.size * batch.accumulate).toBe(4096);
    expect(optimizer).toMatchObject({ baseLearningRate: 6.25e-5, betas: [0.9, 0.95], weightDecay: 0.05, clipNorm: 1 });
    expect(schedule).toMatchObject({ epochs: 1600, warmupEpochs: 40 });
    expect(viewPlanOf({ model, method, augment }).views[0]!.mask).toMatchObject({ kind: 'block', count: 118 });
  });

  test('paths count from the file, those of --set from where it is typed', async () => {
    mkdirSync(join(folder, 'deep'), { recursive: true });
    expect((await load(minimal)).data).toEqual({ train: join(folder, 'photos'), test: null, workers: 'auto', repeats: 1 });
    expect((await load(minimal, ['data.test=here'])).data.test).toBe(resolve('here'));
  });

  test('steps in a file take the place of a preset\'s epochs, another method takes the place of all its options', () => {
    expect(completeRun({ ...minimal, preset: 'mae-vit-base', schedule: { steps: 5 } }, { folder }).schedule).toEqual({ steps: 5, warmupEpochs: 40, minLearningRate: 0, warmupLearningRate: 0, stretch: 1, cosine: 'after-warmup' });
    expect(completeRun({ ...minimal, method: { name: 'mae' } }, { folder }).method).toMatchObject({ name: 'mae', decoderWidth: 512 });
    expect(completeRun({ ...minimal, method: { lambda: 0.1 } }, { folder }).method).toMatchObject({ name: 'siamese', lambda: 0.1, predictorDepth: 1 });
  });

  test('views of one\'s own take the place of the method\'s, when they are the method\'s by name and size', async () => {
    const { model, method } = completeRun(minimal, { folder });
    const views = viewPlanOf({ model, method, augment: null }).views.map((view) => ({ ...view, ops: [] }));
    const config = await load({ ...minimal, augment: views });
    expect(viewPlanOf(config).views).toEqual(views);
    await expect(load({ ...minimal, augment: views.slice(0, 1) })).rejects.toThrow('needs online, target');
    await expect(load({ ...minimal, augment: views.map((view) => ({ ...view, size: 32 })) })).rejects.toThrow('the model takes 64');
  });
});

describe('overrides', () => {
  test.each([
    ['batch.size=32', { batch: { size: 32 } }],
    ['name=2nd try', { name: '2nd try' }],
    ['name=7', { name: 7 }],
    ['engine.engine=torch', { engine: { engine: 'torch' } }],
    ['method.momentum=[0.99, 1]', { method: { momentum: [0.99, 1] } }],
    ['data.test=null', { data: { test: null } }],
    ['a=b=c', { a: 'b=c' }],
  ])('%s', (text, expected) => expect(parseOverride(text)).toEqual(expected));

  test.each(['batch', '=3', 'a..b=1', '__proto__.x=1', 'a.__proto__=1'])('%s is refused', (text) => expect(() => parseOverride(text)).toThrow(InputError));

  test('come last, in their order', async () => {
    expect((await load(minimal, ['batch.size=3', 'batch.size=4', 'schedule.epochs=2'])).batch.size).toBe(4);
    expect((await load(minimal, ['schedule.epochs=2'])).schedule).toEqual({ epochs: 2, warmupSteps: 4, minLearningRate: 0, warmupLearningRate: 0, stretch: 1, cosine: 'after-warmup' });
    await expect(load(minimal, ['batch.sise=3'])).rejects.toThrow('--set: batch.sise: there is no key "sise" here: did you mean "size"?');
  });
});

describe('what is wrong is named, with its place and what was expected', () => {
  test.each([
    ['{"preset": "tiny",\n "name": "a",\n "data": {"train": "x",}}', ':3:23: no comma may follow the last value'],
    ['{"preset": "tiny" "name": "a"}', ':1:19: expected "," or "}"'],
    ['{"preset": tiny}', ':1:12: expected a value'],
    ['{\n// seed\n"name": "a"}', ':2:1: expected a "quoted" string'],
    ['{"name": "a\nb"}', ':1:10: this string is not closed'],
    ['{"name": "a", "name": "b"}', ':1:15: the key "name" is there twice'],
    ['{"seed": 1e309}', ':1:10: 1e309 is beyond the greatest number'],
    ['{"seed": -1E999}', ':1:10: -1E999 is beyond'],
    ['{"__proto__": {"seed": 1}}', ':1:2: the key "__proto__" is not allowed'],
    ['{"data": {"__proto__": 1}}', ':1:11: the key "__proto__" is not allowed'],
    [`{"data": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'nested more than 64 deep'],
    [`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, 'nested more than 64 deep'],
    ['', ':1:1: the file ends too early'],
    ['{} {}', ':1:4: nothing may follow'],
    ['[]', ':1:1: a run file is an object'],
    ['{"seed": 01}', 'expected "," or "}"'],
    ['{"seed": NaN}', 'expected a value'],
  ])('%.60s', async (text, message) => {
    const failure = await load(text).catch((error: Error) => error);
    expect(failure).toBeInstanceOf(InputError);
    expect((failure as Error).message).toContain(message);
  });

  test.each([
    [{ ...minimal, batchsize: 3 }, 'batchsize: there is no key "batchsize" here: did you mean "batch"?'],
    [{ ...minimal, batch: { szie: 3 } }, 'batch.szie: there is no key "szie" here: did you mean "size"?'],
    [{ ...minimal, method: { name: 'siamese', lamda: 1 } }, 'method.lamda: there is no key "lamda" here: did you mean "lambda"?'],
    [{ ...minimal, method: { name: 'siamse' } }, `method.name: expected one of ${methodSchema.options.map(({ shape }) => `"${shape.name.value}"`).join(', ')}, found "siamse": did you mean "siamese"?`],
    [{ ...minimal, batch: { size: '32' } }, 'batch.size: expected a number, found "32"'],
    [{ ...minimal, batch: { size: 1.5 } }, 'batch.size: expected a whole number, found 1.5'],
    [{ ...minimal, batch: { size: 0 } }, 'batch.size: expected a number of at least 1, found 0'],
    [{ ...minimal, batch: [] }, 'batch: expected an object {...}, found a list'],
    [{ ...minimal, model: { arch: 'vit_smal' } }, 'did you mean "vit_small"?'],
    [{ ...minimal, preset: 'tinny' }, 'preset: there is no preset "tinny" - did you mean "tiny"?'],
    [{ ...minimal, preset: 'constructor' }, 'there is no preset "constructor"'],
    [{ preset: 'tiny', name: 'a' }, 'data: expected an object {...}, found nothing'],
    [{ ...minimal, name: '../x' }, 'name: expected letters'],
    [{ ...minimal, name: 'a/b' }, 'name: expected letters'],
    [{ ...minimal, name: '..' }, 'name: expected letters'],
    [{ ...minimal, name: 'CON' }, 'name: expected a name that every system allows'],
    [{ ...minimal, name: 'x'.repeat(101) }, 'name: expected letters'],
    [{ ...minimal, seed: -1 }, 'seed: expected a number of at least 0'],
    [{ ...minimal, schedule: { epochs: 3, steps: 3 } }, 'schedule.epochs and schedule.steps exclude each other'],
    [{ name: 'a', data: { train: 'x' }, schedule: {} }, 'schedule.epochs or schedule.steps is missing'],
    [{ ...minimal, model: { imageSize: 50 } }, 'model.imageSize 50 is not a multiple of model.patchSize 8'],
    [{ ...minimal, method: { decoderHeads: 7 } }, 'method.decoderHeads 7 does not divide'],
    [{ ...minimal, engine: { device: 'gpu' } }, 'engine.device: expected "auto", "cpu"'],
    [{ ...minimal, data: { train: 'x', workers: 0 } }, 'data.workers'],
  ])('%j', async (file, message) => {
    const failure = await load(file).catch((error: Error) => error);
    expect(failure).toBeInstanceOf(InputError);
    expect((failure as Error).message).toContain(message);
    expect((failure as Error).message).toContain('.siam.json');
  });

  test('all of it at once, a line each, with line and column', async () => {
    const failure = await load('{\n  "preset": "tiny",\n  "name": "a",\n  "data": {"train": 5},\n  "batch": {"sze": 1}\n}').catch((error: Error) => error);
    const lines = (failure as Error).message.split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/:4:21: data\.train: expected a "quoted" string, found 5$/);
    expect(lines[1]).toMatch(/:5:20: batch\.sze: /);
  });

  test('a file too large, a folder, a file that is not there', async () => {
    await expect(load(`{"name": "${'a'.repeat(2 ** 20)}"}`)).rejects.toThrow('more than a run file may have');
    await expect(loadRun(folder)).rejects.toThrow(InputError);
    await expect(loadRun(join(folder, 'none.json'))).rejects.toThrow('does not exist');
  });
});

test('a thousand hostile files change no prototype, and are refused or complete', async () => {
  const random = new Random(22);
  const pieces = ['{', '}', '[', ']', ':', ',', '"__proto__"', '"constructor"', '"prototype"', '"name"', '"data"', '"../x"', '"preset"', '"tiny"', '1e309', '-0', '1e-400', 'null', 'true', '"\\u0000"', '"train"', ' '];
  const valid = JSON.stringify({ ...minimal, batch: { size: 4 } });
  let complete = 0;
  for (let i = 0; i < 1000; i++) {
    let text = i % 2 ? valid : '';
    for (let edits = random.integer(1, 12); edits > 0; edits--) {
      const at = random.integer(0, text.length);
      text = text.slice(0, at) + pieces[random.integer(0, pieces.length - 1)]! + text.slice(at + random.integer(0, 3));
    }
    try {
      await load(text);
      complete++;
    } catch (error) {
      expect(error, text).toBeInstanceOf(InputError);
      expect((error as Error).message.length).toBeGreaterThan(5);
    }
  }
  expect(complete).toBeLessThan(1000);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Record<string, unknown>).seed).toBeUndefined();
});

test('what JSON.parse reads is read the same', () => {
  const random = new Random(3);
  const make = (depth: number): unknown => {
    const kind = random.integer(0, depth > 3 ? 3 : 5);
    if (kind === 0) return random.uniform(-1e6, 1e6) * 10 ** random.integer(-20, 20);
    if (kind === 1) return String.fromCharCode(...Array.from({ length: random.integer(0, 8) }, () => random.integer(0, 0xd7ff)));
    if (kind === 2) return [true, false, null][random.integer(0, 2)];
    if (kind === 3) return random.integer(-1000, 1000);
    const items = Array.from({ length: random.integer(0, 4) }, () => make(depth + 1));
    return kind === 4 ? items : Object.fromEntries(items.map((item, i) => [`k${i}"\n`, item]));
  };
  for (let i = 0; i < 300; i++) {
    const text = JSON.stringify(make(0), null, random.integer(0, 2));
    expect(parseJson(text, 'x').value).toEqual(JSON.parse(text));
  }
});

test('docs/run-file.md is the schema: else run "node dist/siamscope.mjs schema --markdown > docs/run-file.md"', () => {
  expect(readFileSync(join(import.meta.dirname, '../../docs/run-file.md'), 'utf8')).toBe(schemaText(runJsonSchema(presetSummaries)));
});

test('the JSON Schema describes every key and every choice, and shows every default', () => {
  const schema = runJsonSchema(presetSummaries);
  const undescribed: string[] = [];
  let keys = 0;
  const visit = (node: Record<string, unknown>, path: string): void => {
    for (const [key, child] of Object.entries((node.properties ?? {}) as Record<string, Record<string, unknown>>)) {
      keys++;
      const choices = child.enum as unknown[] | undefined;
      const shownDefault = child.default === undefined || child.default === null || typeof child.default === 'object' || String(child.markdownDescription).includes(`Default: \`${JSON.stringify(child.default)}\``);
      if (child.description === undefined || !shownDefault || choices?.length !== (child.enumDescriptions as unknown[] | undefined)?.length) undescribed.push(`${path}.${key}`);
      visit(child, `${path}.${key}`);
    }
    for (const option of [...((node.oneOf ?? node.anyOf ?? []) as Record<string, unknown>[]), ...(node.items ? [node.items as Record<string, unknown>] : [])]) visit(option, path);
  };
  visit(schema, '');
  expect(undescribed).toEqual([]);
  expect(keys).toBeGreaterThan(80);
  expect(Object.keys(presets)).toEqual([...presetNames]);
});
