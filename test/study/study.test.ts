/** `siamscope study`: a grid of runs that survives kills, and its tables. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { liveHolder } from '../../backend/link/holder.ts';
import { readStudyFolder, type CellResult } from '../../backend/study/state.ts';
import type { StudyFile } from '../../backend/study/studyFile.ts';
import { photos, run, start } from '../cli/command.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { eventually } from '../server/runs.ts';

const folder = temporaryFolder();

const study = (name: string): StudyFile => ({
  name,
  seeds: [3, 4],
  pairs: 8,
  neighbours: 3,
  // fp32 and one thread: the same bits on each way.
  run: {
    data: { train: photos, test: photos, workers: 1 },
    model: { imageSize: 32, patchSize: 4, width: 32, depth: 1 },
    method: { name: 'siamese', maskRatio: 0.5 },
    schedule: { steps: 12, warmupSteps: 1 },
    batch: { size: 8 },
    engine: { precision: 'fp32', threads: 1 },
    checkpoint: { everySteps: 3 },
  },
  rows: [
    { id: 'start', name: 'Untrained', preset: 'tiny', trained: false },
    { id: 'whole', name: 'SiameseIM', preset: 'tiny', paper: { LIN: 78 }, note: 'the <method> itself' },
    { id: 'pixels', name: '(d)', preset: 'tiny', run: { method: { name: 'siamese', target: 'pixel', loss: 'l2' } }, paper: { LIN: 46.2, APb: null } },
    { id: 'again', name: 'The same', group: 'Ablation', sameAs: 'whole', paper: { LIN: 76.8 } },
  ],
});

const cells = ['start', 'whole', 'pixels'].flatMap((row) => [3, 4].map((seed) => `${row}-${seed}`));

/** Writes a study into a folder of its own. */
function written(name: string, values: unknown = study(name)): { file: string; results: string } {
  mkdirSync(join(folder, name), { recursive: true });
  const file = join(folder, name, 'a.study.json');
  writeFileSync(file, JSON.stringify(values, null, 2));
  return { file, results: join(folder, name, name) };
}

const resultOf = (results: string, cell: string): CellResult => JSON.parse(readFileSync(join(results, 'runs', cell, 'result.json'), 'utf8')) as CellResult;
/** What a run came to, without times. */
const outcome = ({ loss, measures, steps }: CellResult): unknown => ({ loss, measures, steps });

test('a study killed in the middle of a run goes on to the same bits, and runs nothing twice', async () => {
  const whole = written('whole'), killed = written('killed');
  const uninterrupted = await run(['study', whole.file, '--now', '--json', '--only', 'pixels/3']);
  expect(uninterrupted).toMatchObject({ code: 0, stderr: '' });

  const first = start(['study', killed.file, '--now', '--json']);
  const half = join(killed.results, 'runs', 'pixels-3');
  // The third run of the first seed, once it has something to go on from.
  await eventually(() => existsSync(join(half, 'checkpoints', '6')), Boolean, 60_000);
  first.child.kill('SIGKILL');
  expect((await first.result).signal).toBe('SIGKILL');
  // Its process ends with it, and leaves the run to whoever comes next.
  await eventually(() => liveHolder(half), (holder) => holder === null);
  expect((await readStudyFolder(killed.results))!.cells.map(({ state }) => state)).toEqual(['done', 'waiting', 'done', 'waiting', 'stopped', 'waiting']);
  const before = cells.filter((cell) => existsSync(join(killed.results, 'runs', cell, 'result.json')));
  expect(before).toEqual(['start-3', 'whole-3']);
  const kept = before.map((cell) => resultOf(killed.results, cell));

  const second = await run(['study', killed.file, '--now', '--json']);
  expect(second).toMatchObject({ code: 0, stderr: '' });
  const events = second.stdout.trim().split('\n').map((line) => JSON.parse(line) as { kind: string; cell: string; step?: number });
  expect(events.filter(({ kind }) => kind === 'begun').map(({ cell }) => cell)).toEqual(['pixels/3', 'start/4', 'whole/4', 'pixels/4']);
  expect(events.find(({ kind }) => kind === 'step')!.step).toBeGreaterThan(6);
  expect(before.map((cell) => resultOf(killed.results, cell))).toEqual(kept);
  expect(outcome(resultOf(killed.results, 'pixels-3'))).toEqual(outcome(resultOf(whole.results, 'pixels-3')));

  // Once more: nothing is left to do.
  const third = await run(['study', killed.file, '--json']);
  expect(JSON.parse(third.stdout)).toMatchObject({ kind: 'ended', done: 6, total: 6, failed: [] });

  const reading = (await readStudyFolder(killed.results))!;
  expect(reading.cells.map(({ state }) => state)).toEqual(cells.map(() => 'done'));
  const markdown = readFileSync(join(killed.results, 'table.md'), 'utf8');
  expect(markdown).toMatch(/^\| SiameseIM \| \d+\.\d ± \d+\.\d \|.*\| 2 of 2 \| 78\.0 \| - \|$/m);
  expect(markdown).toMatch(/^\| The same \|.*\| 2 of 2 \| 76\.8 \| - \|$/m);
  expect(readFileSync(join(killed.results, 'table.csv'), 'utf8').trim().split('\n')).toHaveLength(1 + 2 * 4);
  const page = readFileSync(join(killed.results, 'table.html'), 'utf8');
  expect(page).toContain('the &lt;method&gt; itself');
  expect(page).not.toMatch(/<script|https?:/);

  // A done run is not passed off as that of another configuration.
  const changed = study('killed');
  written('killed', { ...changed, run: { ...changed.run, schedule: { steps: 20 } } });
  const refused = await run(['study', killed.file]);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('schedule.steps: 12 -> 20');
});

test('a stopped study says how to go on; a part of it is run, and a document gets its table', async () => {
  const { file, results } = written('part');
  const stopped = start(['study', file, '--now', '--only', 'whole/*,pix*']);
  await eventually(() => existsSync(join(results, 'runs', 'whole-3', 'checkpoints', '3')), Boolean, 60_000);
  stopped.child.kill('SIGINT');
  const { code, stderr } = await stopped.result;
  expect({ code, advice: stderr.includes(`go on with: siamscope study ${file}`) }).toEqual({ code: 1, advice: true });
  expect((await readStudyFolder(results))!.cells.find(({ row, seed }) => row.id === 'whole' && seed === 3)!.state).toBe('stopped');
  expect((await run(['study', file, '--now', '--only', 'start/3,whole/3'])).code).toBe(0);
  const list = await run(['study', file, '--list']);
  expect(list.stdout.trim().split('\n')).toEqual(['start/3  done', 'start/4  waiting', 'whole/3  done', 'whole/4  waiting', 'pixels/3  waiting', 'pixels/4  waiting']);

  const document = join(folder, 'document.md');
  writeFileSync(document, 'Before.\n<!-- study -->\nold\n<!-- /study -->\nAfter.\n');
  expect((await run(['study', 'table', file, '--into', document])).code).toBe(0);
  expect(readFileSync(document, 'utf8')).toMatch(/^Before\.\n<!-- study -->\n\|[^]*\| SiameseIM \|[^]*<!-- \/study -->\nAfter\.\n$/);
  expect(readFileSync(document, 'utf8')).not.toMatch(/old|\(d\)/);
});

test('a run that fails is told, tried again, and keeps no other from running, here on two devices at once', async () => {
  const { file, results } = written('failing', { ...study('failing'), seeds: [3], devices: ['cpu', 'auto'], rows: [{ id: 'none', name: 'No images', preset: 'tiny', run: { data: { train: './nowhere' } } }, { id: 'start', name: 'Untrained', preset: 'tiny', trained: false }] });
  for (const begun of [['none/3', 'start/3'], ['none/3']]) {
    const { code, stderr } = await run(['study', file, '--now']);
    expect({ code, begun: [...stderr.matchAll(/^\[\d\/\d\] (\S+)/gm)].map(([, cell]) => cell) }).toEqual({ code: 1, begun });
    expect(stderr).toMatch(/none\/3: .*nowhere/);
  }
  expect((await readStudyFolder(results))!.cells.map(({ state }) => state)).toEqual(['failed', 'done']);
  expect(readFileSync(join(results, 'table.html'), 'utf8')).toMatch(/failed: .*nowhere/);
});

test('a detached study outlives its command, says how far it is, and is stopped by a signal; what is refused is said at once', async () => {
  const { file, results } = written('detached');
  const reply = await run(['study', file, '--now', '--detach', '--json', '--only', 'start/3,whole/*']);
  expect(reply).toMatchObject({ code: 0, stderr: '' });
  const { study: place, pid } = JSON.parse(reply.stdout) as { study: string; pid: number };
  expect(place).toBe(results);
  expect((await liveHolder(results, { sweep: false }))!.pid).toBe(pid);
  const second = await run(['study', file, '--detach']);
  expect(second).toMatchObject({ code: 1, stdout: '' });
  expect(second.stderr).toContain(`process ${pid}`);
  const cell = async (row: string, seed: number) => (await readStudyFolder(results))!.cells.find((reading) => reading.row.id === row && reading.seed === seed)!;
  await eventually(async () => (await cell('whole', 3)).step, (step) => step > 0, 60_000);
  expect(['running', 'measuring', 'done']).toContain((await cell('whole', 3)).state);
  process.kill(pid, 'SIGTERM');
  await eventually(() => liveHolder(results), (holder) => holder === null, 60_000);
  expect((await readStudyFolder(results))!.cells.filter(({ state }) => state === 'running' || state === 'measuring')).toEqual([]);
  // Its last line comes after it has let go of the folder.
  await eventually(() => readFileSync(join(results, 'output.txt'), 'utf8'), (output) => /^\[1\/3\] start\/3$[^]*go on with: siamscope study/m.test(output), 10_000);

  const changed = study('detached');
  written('detached', { ...changed, run: { ...changed.run, schedule: { steps: 20 } } });
  const refused = await run(['study', file, '--detach']);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('schedule.steps: 12 -> 20');
});

test('a run whose process was killed failed, and says so until it is tried again', async () => {
  const { file, results } = written('shot', { ...study('shot'), seeds: [3], rows: [{ id: 'whole', name: 'SiameseIM', preset: 'tiny', run: { schedule: { steps: 100_000 } } }] });
  const started = start(['study', file, '--now']);
  const cell = join(results, 'runs', 'whole-3');
  const trains = await eventually(() => liveHolder(cell), (holder) => holder !== null && existsSync(join(cell, 'checkpoints', '3')), 60_000);
  expect((await readStudyFolder(results))!.cells[0]!.state).toBe('running');
  process.kill(trains!.pid, 'SIGKILL');
  expect((await started.result).code).toBe(1);
  expect((await readStudyFolder(results))!.cells[0]).toMatchObject({ state: 'failed', error: expect.stringContaining('was killed, as the system does where memory runs out') });
  expect(readFileSync(join(results, 'table.html'), 'utf8')).toMatch(/failed: its process was killed/);
  const again = start(['study', file, '--now']);
  await eventually(async () => (await readStudyFolder(results))!.cells[0]!.state, (state) => state === 'running', 60_000);
  again.child.kill('SIGINT');
  await again.result;
  expect((await readStudyFolder(results))!.cells[0]).toMatchObject({ state: 'stopped', error: null });
});
