/** A study as its panel follows it, from files alone: what is read again, who works on it, how long it takes yet, and what a page may say. */
import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readStudyFolder } from '../../backend/study/state.ts';
import { StudyFollower } from '../../extension/panels/studyFollower.ts';
import { parseStudyRequest } from '../../extension/panels/studyMessages.ts';
import { progressOf, secondsLeft } from '../../extension/panels/studyRows.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { hold, studyFile, writeProgress, writeResult, writeStatus, writeStudy } from './studyFixture.ts';

const root = temporaryFolder();

test('every state is told from the files, and from who holds a folder', async () => {
  const files = writeStudy(join(root, 'states'));
  const follower = new StudyFollower(files.file);
  expect(await follower.look()).toMatchObject({ problem: null, holder: null, hasLog: false, folder: files.folder });
  writeProgress(files);
  const { study, cells, holder, hasLog } = await follower.look();
  expect(hasLog).toBe(true);
  const stateOf = (row: string, seed: number) => cells.find((cell) => cell.row.id === row && cell.seed === seed)!;
  expect([stateOf('mae', 1), stateOf('mae', 2), stateOf('siamese', 1), stateOf('pixels', 0), stateOf('pixels', 1)].map(({ state, step }) => [state, step])).toEqual([['done', 1200], ['stopped', 700], ['running', 412], ['failed', 90], ['waiting', 0]]);
  expect(progressOf(study!, cells, holder, hostname())).toMatchObject({ counts: { waiting: 4, running: 1, measuring: 0, stopped: 1, failed: 1, done: 8 }, total: 15, worker: 'here', seconds: 5 * 260 + 3 * 20 });
  // An untrained row says nothing while it is measured; what is trained and not measured yet is.
  rmSync(join(files.cell('untrained', 0), 'result.json'));
  hold(files.cell('untrained', 0));
  writeStatus(files.cell('pixels', 1), 'done', 1200);
  const later = (await follower.look()).cells;
  expect(later.filter(({ state }) => state === 'measuring').map(({ row, seed }) => [row.id, seed])).toEqual([['untrained', 0], ['pixels', 1]]);
  // Its process is gone: nothing is at work, whatever status.json says.
  for (const folder of [files.folder, files.cell('siamese', 1), files.cell('untrained', 0)]) rmSync(join(folder, '.lock-0123456789abcdef'));
  const end = await follower.look();
  expect(end.holder).toBeNull();
  expect(end.cells.filter(({ state }) => state === 'running' || state === 'measuring')).toEqual([]);
  expect(end.cells).toEqual((await readStudyFolder((writeFileSync(join(files.folder, 'study.json'), JSON.stringify(end.study)), files.folder)))!.cells);
});

test('a file that is not understood is said, and what was shown stays; a damaged result counts for nothing', async () => {
  const files = writeStudy(join(root, 'damaged'));
  writeResult(files.cell('mae', 0), [0.4]);
  writeFileSync(join(files.folder, 'runs', 'mae-0', 'failure.json'), '{"message": 5}');
  const follower = new StudyFollower(files.file);
  expect((await follower.look()).cells.filter(({ state }) => state === 'done')).toHaveLength(1);
  writeFileSync(files.file, '{ "name": 5');
  const broken = await follower.look();
  expect(broken.problem).toContain('paper.study.json:1:');
  expect(broken.study?.name).toBe('paper');
  writeFileSync(join(files.cell('mae', 0), 'result.json'), '{"measures": [{"id": "x", "value": "1e400"}], "steps": 3}');
  writeFileSync(files.file, JSON.stringify(studyFile({ seeds: [0] })));
  const { problem, cells } = await follower.look();
  expect({ problem, cells: cells.length, states: [...new Set(cells.map(({ state }) => state))] }).toEqual({ problem: null, cells: 5, states: ['waiting'] });
  expect(await new StudyFollower(join(root, 'nowhere.study.json')).look()).toMatchObject({ study: null, problem: expect.stringContaining('does not exist') });
});

test('how long it takes is as its runs took, or as the one that runs says', async () => {
  const files = writeStudy(join(root, 'time'), studyFile({ seeds: [0], devices: ['cpu'] }));
  const follower = new StudyFollower(files.file);
  const left = async (): Promise<number | null> => {
    const { study, cells } = await follower.look();
    return secondsLeft(study!, cells);
  };
  expect(await left()).toBeNull();
  // A third of 1200 steps is done and 200 s are left: 300 s each, three more to go.
  writeStatus(files.cell('mocov3', 0), 'running', 400, { eta: 200 });
  hold(files.cell('mocov3', 0));
  expect(await left()).toBeCloseTo(200 + 3 * 300, 6);
  // One took 260 s; one was left at half.
  writeResult(files.cell('mae', 0), [0.3]);
  writeStatus(files.cell('siamese', 0), 'stopped', 600);
  expect(await left()).toBeCloseTo(200 + 260 / 2 + 260, 6);
});

test('a page may say what is in the table of requests, and nothing else', () => {
  expect(parseStudyRequest('curves', { row: 1, cell: null })).toEqual({ call: 'curves', request: { row: 1, cell: null } });
  expect(parseStudyRequest('run', { path: '/etc/passwd' })).toEqual({ call: 'run', request: {} });
  for (const [call, request] of [['curves', { row: -1, cell: null }], ['reveal', { row: 0, cell: '../x' }], ['reveal', { row: 0 }], ['copy', { format: 'html' }], ['toString', {}], ['constructor', {}], ['run', null]] as const) expect(() => parseStudyRequest(call, request)).toThrow(/is not understood/);
});
