/** A study's files as its runs leave them, in every state that a table shows. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostname } from 'node:os';
import type { RunState, RunStatus } from '../../backend/protocol.ts';
import type { CellResult } from '../../backend/study/state.ts';
import type { StudyFile } from '../../backend/study/studyFile.ts';
import { processStart } from '../../backend/link/process.ts';

export const studyFile = (more: Partial<StudyFile> = {}): StudyFile => ({
  name: 'paper', title: 'SiameseIM and its ablations', seeds: [0, 1, 2],
  notes: ['Small encoders and minutes of training: what can be compared is which row is ahead of which.'],
  run: { data: { train: 'photos' } },
  rows: [
    { id: 'untrained', name: 'Untrained', group: 'Methods', preset: 'tiny', trained: false, note: 'the encoder as each seed begins it' },
    { id: 'mocov3', name: 'MoCo-v3', group: 'Methods', preset: 'tiny', paper: { FT: 83, LIN: 76.7 } },
    { id: 'mae', name: 'MAE', group: 'Methods', preset: 'tiny', paper: { FT: 83.6, LIN: 68 } },
    { id: 'siamese', name: 'SiameseIM', group: 'Methods', preset: 'tiny', paper: { FT: 84.1, LIN: 78 } },
    { id: 'pixels', name: '(d) the other view\'s pixels', group: 'Ablations of SiameseIM', preset: 'tiny', paper: { FT: 83.1, LIN: 46.2 } },
    { id: 'again', name: '(i)', group: 'Ablations of SiameseIM', sameAs: 'siamese', paper: { FT: 83.7, LIN: 76.8 }, note: '(h) with layer-normed targets' },
  ],
  ...more,
});

export interface WrittenStudy {
  file: string;
  folder: string;
  cell: (row: string, seed: number) => string;
}

export function writeStudy(root: string, study: unknown = studyFile()): WrittenStudy {
  const file = join(root, 'paper.study.json'), folder = join(root, 'paper');
  mkdirSync(root, { recursive: true });
  writeFileSync(file, JSON.stringify(study, null, 2));
  return { file, folder, cell: (row, seed) => join(folder, 'runs', `${row}-${seed}`) };
}

export function writeStatus(folder: string, state: RunState, step: number, more: Partial<RunStatus> = {}): void {
  mkdirSync(folder, { recursive: true });
  const status: RunStatus = {
    state, name: 'a', pid: process.pid, host: hostname(), started: '2026-01-01T00:00:00.000Z', updated: '2026-01-01T00:00:00.000Z', step, steps: 1200, epoch: step / 100, loss: 1 / (1 + step), imagesPerSecond: 100,
    eta: null, elapsedSeconds: step / 5, engine: null, images: 100, skipped: 0, checkpoint: step === 0 ? null : step, resumedFrom: null, waiting: null, queue: null, evaluating: false, evaluation: null, socket: null, health: [], error: null, ...more,
  };
  writeFileSync(join(folder, 'status.json'), JSON.stringify(status));
}

export function writeResult(folder: string, values: readonly number[], more: Partial<CellResult> = {}): void {
  mkdirSync(folder, { recursive: true });
  const names = [['neighbours', 'k-NN', 0.1], ['pck0', 'PCK@0', 1 / 64], ['pck1', 'PCK@1', 0.124]] as const;
  const result: CellResult = { finished: '2026-01-01T00:10:00.000Z', steps: 1200, trainSeconds: 240, measureSeconds: 20, loss: 0.5, engine: 'wasm', health: [], measures: values.map((value, i) => ({ id: names[i]![0], name: names[i]![1], value, chance: names[i]![2], unit: 'share' as const })), ...more };
  writeFileSync(join(folder, 'result.json'), JSON.stringify(result));
}

/** Takes a folder as this process does while it works there. */
export function hold(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '.lock-0123456789abcdef'), JSON.stringify({ pid: process.pid, start: processStart(process.pid), host: hostname() }));
}

/** Some done, one running, one failed, one left in the middle, and others to come. */
export function writeProgress({ folder, cell }: WrittenStudy): void {
  hold(folder);
  writeFileSync(join(folder, 'output.txt'), '[1/15] untrained/0\n');
  const done: [string, number, number[]][] = [
    ['untrained', 0, [0.277, 0.151, 0.41]], ['untrained', 1, [0.271, 0.153, 0.412]], ['untrained', 2, [0.282, 0.149, 0.408]],
    ['mocov3', 0, [0.315, 0.148, 0.415]], ['mocov3', 1, [0.322, 0.147, 0.409]], ['mae', 0, [0.376, 0.208, 0.507]], ['mae', 1, [0.381, 0.204, 0.501]], ['siamese', 0, [0.402, 0.231, 0.562]],
  ];
  for (const [row, seed, values] of done) {
    if (row !== 'untrained') writeStatus(cell(row, seed), 'done', 1200);
    writeResult(cell(row, seed), values, row === 'untrained' ? { steps: 0, trainSeconds: 0, loss: null } : row === 'mocov3' && seed === 1 ? { health: ['step 400: The features collapse: their deviation is 0.003'] } : {});
  }
  writeStatus(cell('siamese', 1), 'running', 412, { eta: 190 });
  hold(cell('siamese', 1));
  writeStatus(cell('mae', 2), 'running', 700, { pid: 999_999 });
  writeStatus(cell('pixels', 0), 'failed', 90, { error: { message: 'the loss is not finite after step 90', step: 90 } });
}
