/** Study files: what is refused and how it is said, which runs are meant, and the paper's study at each scale. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { presets } from '../../backend/presets/index.ts';
import { cellsOf, isMeant } from '../../backend/study/cells.ts';
import { paperStudy, scales } from '../../backend/study/paper.ts';
import { csvTable, markdownTable } from '../../backend/study/plainTables.ts';
import { studyJsonSchema } from '../../backend/study/jsonSchema.ts';
import { parseStudy, studySchema, type Study } from '../../backend/study/studyFile.ts';
import { meanAndDeviation, summarize } from '../../backend/study/summary.ts';
import type { CellReading } from '../../backend/study/state.ts';
import { runSchema } from '../../backend/train/config.ts';

const row = { id: 'a', name: 'A', preset: 'tiny' };
const parsed = (values: object): Study => parseStudy({ name: 'x', rows: [row], ...values }, () => 'x.study.json');

test.each([
  [{ sedes: [1] }, /there is no key "sedes" here: did you mean "seeds"\?/],
  [{ seeds: [1, 1] }, /seeds: a seed is there twice/],
  [{ rows: [] }, /rows: expected a list of at least 1 items/],
  [{ rows: [row, { ...row, id: 'A' }] }, /rows\.1\.id: two rows are called "A"/],
  [{ rows: [{ ...row, id: '../a' }] }, /rows\.0\.id: expected letters/],
  [{ rows: [{ id: 'a', name: 'A' }] }, /give "preset" or "file"/],
  [{ rows: [{ ...row, file: 'x.siam.json' }] }, /give "preset" or "file"/],
  [{ rows: [{ id: 'b', name: 'B', sameAs: 'a' }] }, /"a" is no row with runs of its own/],
  [{ rows: [row, { id: 'b', name: 'B', sameAs: 'a' }, { id: 'c', name: 'C', sameAs: 'b' }] }, /"b" is no row with runs of its own/],
  [{ measure: ['knn'] }, /measure\.0: expected one of "neighbours"/],
])('%j is refused', (values, message) => {
  expect(() => parsed(values)).toThrow(message);
});

test('a row whose run is wrong is named', async () => {
  const study = parsed({ run: { data: { train: '.' } }, rows: [{ ...row, run: { batch: { size: 0 } } }] });
  await expect(cellsOf(study, '/x/x.study.json', '/x/x')).rejects.toThrow(/^row a: .*batch\.size: expected a number of at least 1/);
});

test('rows are laid over each other in order: recipe, study, row; all rows by one seed come first', async () => {
  const study = parsed({ seeds: [5, 6], run: { data: { train: 'images' }, batch: { size: 2 }, schedule: { epochs: 3 } }, rows: [row, { ...row, id: 'b', run: { batch: { size: 4 } } }] });
  const cells = await cellsOf(study, '/x/x.study.json', '/y');
  expect(cells.map(({ id, folder, config: { seed, batch, schedule, data, optimizer } }) => ({ id, folder, seed, size: batch.size, epochs: schedule.epochs, steps: schedule.steps, train: data.train, rate: optimizer.baseLearningRate }))).toEqual(
    [5, 6].flatMap((seed) => [['a', 2], ['b', 4]].map(([id, size]) => ({ id: `${id}/${seed}`, folder: join('/y', 'runs', `${id}-${seed}`), seed, size, epochs: 3, steps: undefined, train: join('/x', 'images'), rate: presets.tiny!.optimizer!.baseLearningRate }))),
  );
  const meant = (patterns?: string): string[] => cells.filter((cell) => isMeant(patterns, cell)).map(({ id }) => id);
  expect([meant(), meant('A'), meant('*/6'), meant('b/5, a/6'), meant('.')]).toEqual([['a/5', 'b/5', 'a/6', 'b/6'], ['a/5', 'a/6'], ['a/6', 'b/6'], ['b/5', 'a/6'], []]);
});

describe.each(scales)('the paper\'s study, %s', (scale) => {
  const study = parseStudy(paperStudy(scale, { train: 'images', test: null, classes: 10 }, 'paper'), () => 'paper');

  test('every run is complete, each ablation has its own switches, and nothing is trained twice', async () => {
    const cells = (await cellsOf(study, '/x/paper.study.json', '/x/paper')).filter(({ seed }) => seed === 0);
    const problems = cells.map(({ row: { trained }, config: { name: _name, seed: _seed, ...config } }) => JSON.stringify({ trained, config }));
    expect(new Set(problems).size).toBe(cells.length);
    for (const { row: { id }, config } of cells.filter(({ row: { id: one } }) => /^[a-k]$/.test(one))) {
      const { name: _name, ...switches } = presets[`siamese-${id}`]!.method as Record<string, unknown>;
      expect(config.method).toMatchObject(switches);
    }
  });

  test('each row of the paper is there', () => {
    expect(study.rows.filter(({ group }) => group === 'Ablations of SiameseIM').map(({ id }) => id)).toEqual(['mae-400', ...'abcdefghijk', 'mocov3-mask']);
    expect(study.rows.filter(({ group }) => group === 'Methods').map(({ id }) => id)).toEqual(['untrained', 'untrained-timm', 'supervised', 'mocov3', 'dino', 'ibot', 'msn', 'densecl', 'beit', 'mae', 'siamese']);
  });
});

test('mean and deviation are those of the sample', () => {
  expect(meanAndDeviation([2, 4, 9])).toEqual({ mean: 5, deviation: Math.sqrt(13), values: [2, 4, 9] });
  expect(meanAndDeviation([0.5]).deviation).toBeNull();
});

test('tables hold what texts of a study file say as text', () => {
  const study = parsed({ seeds: [0], rows: [{ ...row, name: '=1+1 | *b*, "c"' }] });
  const cells: CellReading[] = [{ row: study.rows[0]!, seed: 0, folder: '/x', state: 'waiting', step: 0, steps: null, eta: null, loss: null, checkpoint: null, error: null, waiting: null, result: null }];
  const summary = summarize(study, cells);
  expect(markdownTable(study, summary)).toContain('| =1+1 \\| \\*b\\*, "c" |');
  expect(csvTable(summary).split('\n')[1]).toBe('a,"\'=1+1 | *b*, ""c""",,0,waiting,0,,,,');
});

test('the editor\'s schema knows every key, its recipes, and what is laid over them as the run file has it', () => {
  const schema = studyJsonSchema({ tiny: 'small', demo: 'larger' }) as { properties: Record<string, Record<string, unknown>>; $defs: { run: { properties: Record<string, { properties?: object; markdownDescription?: string }> } } };
  expect(Object.keys(schema.properties)).toEqual(Object.keys(studySchema.shape));
  const row = (schema.properties.rows!.items as { properties: Record<string, Record<string, unknown>>; required: string[] });
  expect(row.required).toEqual(['id', 'name']);
  expect(row.properties.preset).toMatchObject({ enum: ['tiny', 'demo'], enumDescriptions: ['small', 'larger'] });
  for (const run of [row.properties.run, schema.properties.run]) expect(run).toMatchObject({ $ref: '#/$defs/run' });
  const { run } = schema.$defs;
  expect(Object.keys(run.properties)).toEqual(Object.keys(runSchema.shape).filter((key) => key !== '$schema' && key !== 'preset'));
  expect(run.properties.schedule!.properties).toHaveProperty('warmupSteps');
  // A part asks for nothing.
  expect(JSON.stringify(run)).not.toContain('"required":[');
  for (const [key, { description }] of Object.entries(schema.properties)) if (key !== '$schema' && key !== 'rows') expect(description, key).toBeTruthy();
});
