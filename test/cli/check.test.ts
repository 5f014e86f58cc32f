/** `--check` of run files and study files: what is wrong, key by key, and what would be trained; nothing is trained and nothing is left behind. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunCheck, StudyCheck } from '../../backend/protocol.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { photos, start } from './command.ts';

const folder = temporaryFolder();
const file = join(folder, 'check.siam.json');

async function check(run: object): Promise<RunCheck & { code: number | null }> {
  writeFileSync(file, JSON.stringify(run));
  const { code, stdout, stderr } = await start(['train', file, '--check', '--json']).result;
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as RunCheck), code };
}

const good = { preset: 'tiny', name: 'checked', data: { train: photos } };

test('a good file: images, classes and steps, and no run folder', async () => {
  const { code, problems, run } = await check({ ...good, schedule: { epochs: 2 }, batch: { size: 4, accumulate: 2 } });
  expect(problems).toEqual([]);
  expect(run).toMatchObject({ name: 'checked', folder: join(folder, 'runs/checked'), method: 'siamese', arch: 'vit_nano', imagesPerStep: 8 });
  expect(run!.images).toBeGreaterThan(0);
  expect(run!.steps).toBe(Math.max(1, Math.round((2 * Math.max(1, Math.floor(run!.images / 4))) / 2)));
  expect(code).toBe(0);
  expect(existsSync(join(folder, 'runs'))).toBe(false);
});

test('what is wrong is said at its key', async () => {
  const at = async (run: object) => {
    const { code, problems, run: would } = await check({ ...good, ...run });
    expect(code).toBe(2);
    expect(would).toBeNull();
    return problems.map(({ path, message, inSchema }) => `${path.join('.')}|${inSchema}|${message}`);
  };
  expect(await at({ data: { train: 'nowhere', test: 'nor-here' } })).toEqual([
    expect.stringMatching(/^data\.train\|false\|the dataset .*nowhere does not exist/),
    expect.stringMatching(/^data\.test\|false\|the dataset .*nor-here does not exist/),
  ]);
  expect(await at({ model: { imageSize: 100, patchSize: 16 } })).toEqual([expect.stringMatching(/^model\.imageSize\|false\|model\.imageSize 100 is not a multiple/)]);
  expect(await at({ method: { target: 'pixel' } })).toEqual([expect.stringMatching(/^method\.target\|false\|method\.target "pixel" needs method\.loss "l2"/)]);
  expect(await at({ preset: 'tinny' })).toEqual([expect.stringMatching(/^preset\|true\|there is no preset "tinny" - did you mean "tiny"\?/)]);
  expect(await at({ schedule: { steps: 5, epochs: 2 } })).toEqual([expect.stringMatching(/^schedule\.epochs\|false\|.*exclude each other/)]);
  expect(await at({ batch: { sise: 4 } })).toEqual(['batch.sise|true|there is no key "sise" here: did you mean "size"?']);
  expect(await at({ batch: { sise: 4 }, data: { train: 'nowhere' } })).toEqual([expect.stringMatching(/^batch\.sise\|true/), expect.stringMatching(/^data\.train\|false\|.*does not exist/)]);
  const crop = { scale: [0.3, 1], ratio: [0.75, 1.33], interpolation: 'bilinear' }, view = (name: string, size: number, over: object = {}) => ({ name, size, crop, ops: [], mask: null, ...over });
  expect(await at({ method: { name: 'msn', focalSize: 32 }, augment: [view('target', 64), view('anchor', 64, { count: 1, mask: { kind: 'random', count: 4 } }), view('focal', 32, { count: 10 })] })).toEqual([expect.stringMatching(/^augment\.1\.mask\|false\|augment\.1\.mask hides patches of view anchor, and method msn looks at all of them: set it to null; method\.patchDrop/)]);
  // The preset alone says which method it is, so that the schema lets other methods' keys pass.
  expect(await at({ method: { focalSize: 16 } })).toEqual([expect.stringMatching(/^method\.focalSize\|false\|there is no key "focalSize" here/)]);
  expect(await at({ name: 'con' })).toEqual([expect.stringMatching(/^name\|false\|expected a name that every system allows/)]);
});

describe('a study file', () => {
  const path = join(folder, 'x.study.json');
  const row = { id: 'a', name: 'A', preset: 'tiny' };
  const write = (values: object): void => writeFileSync(path, JSON.stringify({ name: 'x', run: { data: { train: photos } }, rows: [row], ...values }));

  async function checkStudy(values: object): Promise<StudyCheck & { code: number | null }> {
    write(values);
    const { code, stdout, stderr } = await start(['study', path, '--check', '--json']).result;
    expect(stderr).toBe('');
    return { ...(JSON.parse(stdout) as StudyCheck), code };
  }

  test('a good one: how much would be run, and no folder', async () => {
    const { code, problems, study } = await checkStudy({ seeds: [0, 1], rows: [row, { ...row, id: 'b', run: { batch: { size: 4 } } }, { id: 'c', name: 'C', sameAs: 'a' }] });
    expect([code, problems, study]).toEqual([0, [], { name: 'x', folder: join(folder, 'x'), rows: 3, seeds: 2, runs: 4 }]);
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });

  const run = (over: object): object => ({ ...row, run: over });
  test.each<[string, object, string[]]>([
    ['every problem of the file itself', { seeds: [1, 1], rows: [row, row, { id: 'b', name: 'B', sameAs: 'z' }] }, ['rows.1.id|false|two rows are called "a"', 'rows.2.sameAs|false|"z" is no row', 'seeds|false|a seed is there twice']],
    ['a row\'s part, where it is written', { rows: [run({ batch: { size: 0 } }), { ...run({ batch: { sise: 4 } }), id: 'b' }] }, ['rows.0.run.batch.size|true|expected a number of at least 1', 'rows.1.run.batch.sise|true|there is no key "sise" here: did you mean "size"?']],
    ['what the study lays over all rows, once', { run: { data: { train: photos }, schedule: { steps: 'many' } }, rows: [row, { ...row, id: 'b' }] }, ['run.schedule.steps|true|expected a number, found "many"']],
    ['keys that exclude each other, where one of them is written', { rows: [run({ model: { patchSize: 7 } })] }, ['rows.0.run.model.patchSize|false|model.imageSize 64 is not a multiple of model.patchSize 7']],
    ['another method\'s key', { rows: [run({ method: { focalSize: 16 } })] }, ['rows.0.run.method.focalSize|false|there is no key "focalSize" here']],
    ['images that are not there, at the study\'s part', { run: { data: { train: 'nowhere' } } }, [`run.data.train|false|the dataset ${join(folder, 'nowhere')} does not exist`]],
    ['no images at all', { run: {} }, ['run|false|data: expected an object {...}, found nothing']],
    ['no test images\' source but a number', { run: { data: { train: photos, test: 3 } } }, ['run.data.test|true|expected a "quoted" string']],
    ['a preset that is not there', { rows: [{ ...row, preset: 'tinny' }] }, ['rows.0.preset|true|there is no preset "tinny" - did you mean "tiny"?']],
    ['a run file that is not there', { rows: [{ id: 'a', name: 'A', file: 'none.siam.json' }] }, [`rows.0.file|false|the run file ${join(folder, 'none.siam.json')} does not exist`]],
  ])('%s', async (_what, values, expected) => {
    const { code, problems, study } = await checkStudy(values);
    expect(problems.map(({ path: keys, message, inSchema }) => `${keys.join('.')}|${inSchema}|${message}`)).toEqual(expected.map((text) => expect.stringContaining(text) as unknown));
    expect([code, study]).toEqual([2, null]);
  });

  test('running it says all of them by line and column, and begins nothing', async () => {
    writeFileSync(path, `{ "name": "x", "run": { "data": { "train": ${JSON.stringify(photos)} } },\n  "rows": [\n    { "id": "a", "name": "A", "preset": "tiny", "run": { "batch": { "size": 0 } } },\n    { "id": "b", "name": "B", "preset": "tinny" }\n] }`);
    const { code, stdout, stderr } = await start(['study', path]).result;
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/x\.study\.json:3:77: rows\.0\.run\.batch\.size: expected a number of at least 1.*\n.*x\.study\.json:4:41: rows\.1\.preset: there is no preset "tinny"/);
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });
});
