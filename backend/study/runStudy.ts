/** Runs the cells of a study, one a device at a time, each in a process of its own; what is done is never run again. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { builtFile } from '../assets.ts';
import { InputError } from '../errors.ts';
import { writeAtomically } from '../formats/atomic.ts';
import type { RunConfig } from '../train/config.ts';
import { differences, isRunFolder, readConfig } from '../train/folder.ts';
import { lockRunFolder } from '../train/lock.ts';
import type { CellMessage, CellRequest } from './cellMessages.ts';
import { failureFile, readCells, readResult, studyCopy, type CellResult } from './state.ts';
import type { Cell } from './cells.ts';
import type { Study } from './studyFile.ts';
import { writeTables } from './tables.ts';

export type StudyEvent =
  | { kind: 'begun'; cell: string; place: number; of: number; device: string }
  | { kind: 'step'; cell: string; step: number; steps: number; loss: number; eta: number | null; studyEta: number | null }
  | { kind: 'note'; cell: string; text: string }
  | { kind: 'measuring'; cell: string }
  | { kind: 'done'; cell: string; result: CellResult; left: number; studyEta: number | null }
  | { kind: 'stopped'; cell: string }
  | { kind: 'failed'; cell: string; message: string };

export interface StudyOptions {
  study: Study;
  cells: readonly Cell[];
  folder: string;
  /** Which of the cells are to be run now; the tables have all. */
  isMeant: (cell: Cell) => boolean;
  /** Wait for no other run of a device. */
  now: boolean;
  stop: AbortSignal;
  onEvent: (event: StudyEvent) => void;
}

export interface StudyOutcome {
  /** Of all cells. */
  done: number;
  total: number;
  failed: { cell: string; message: string }[];
  stopped: boolean;
}

/** What may differ between the sessions of a cell: what it is computed with, and where from. */
const free = new Set<string>(['engine', 'checkpoint', 'health', 'data'] satisfies (keyof RunConfig)[]);

/** Throws InputError where a cell was begun as another problem. */
export async function checkBegun(cells: readonly Cell[]): Promise<void> {
  for (const cell of cells) await checkCell(cell);
}

async function checkCell(cell: Cell): Promise<void> {
  if (!(await isRunFolder(cell.folder))) return;
  const kept = (config: RunConfig): object => Object.fromEntries(Object.entries(config).filter(([key]) => !free.has(key)));
  const changes = differences(kept(await readConfig(cell.folder)), kept(cell.config));
  if (changes.length > 0) throw new InputError(`${cell.folder} was begun with another configuration than the study has now; it differs in\n  ${changes.slice(0, 10).join('\n  ')}\nUse the same values, remove that folder, or give row "${cell.row.id}" another id`);
}

/** Runs every cell that is meant and not done, and writes the tables after each. Throws InputError or RunError where it cannot begin. */
export async function runStudy({ study, cells, folder, isMeant, now, stop, onEvent }: StudyOptions): Promise<StudyOutcome> {
  await mkdir(folder, { recursive: true });
  const lock = await lockRunFolder(folder);
  try {
    await checkBegun(cells);
    await writeAtomically(join(folder, studyCopy), `${JSON.stringify(study, null, 2)}\n`);
    await writeTables(study, await readCells(study, folder), folder);
    const waiting: Cell[] = [];
    for (const cell of cells) if (isMeant(cell) && !(await readResult(cell.folder))) waiting.push(cell);
    const clock = new StudyClock(waiting.length, study.devices.length);
    const failed: StudyOutcome['failed'] = [];
    let writing = Promise.resolve();
    const tables = (): Promise<void> => (writing = writing.then(async () => writeTables(study, await readCells(study, folder), folder)));
    let place = 0;
    const work = async (device: string): Promise<void> => {
      for (let cell = waiting.shift(); cell && !stop.aborted; cell = waiting.shift()) {
        onEvent({ kind: 'begun', cell: cell.id, place: ++place, of: clock.total, device });
        const began = performance.now();
        const { id } = cell;
        await rm(join(cell.folder, failureFile), { force: true });
        const ended = await runCell(cell, { study, device, now, stop }, (message) => {
          if (message.kind === 'step') onEvent({ ...message, cell: id, studyEta: clock.eta(device, message.eta) });
          else if (message.kind === 'note') onEvent({ ...message, cell: id });
          else if (message.kind === 'measuring') onEvent({ kind: 'measuring', cell: id });
        });
        clock.ended(device, (performance.now() - began) / 1000, ended.kind === 'done' && cell.row.trained);
        if (ended.kind === 'failed') {
          failed.push({ cell: id, message: ended.message });
          await mkdir(cell.folder, { recursive: true });
          await writeAtomically(join(cell.folder, failureFile), `${JSON.stringify({ message: ended.message }, null, 2)}\n`);
        }
        await tables();
        onEvent(ended.kind === 'done' ? { ...ended, cell: id, left: clock.left, studyEta: clock.eta(device, null) } : { ...ended, cell: id });
      }
    };
    await Promise.all(study.devices.map(work));
    await writing;
    const all = await readCells(study, folder);
    return { done: all.filter(({ state }) => state === 'done').length, total: all.length, failed, stopped: stop.aborted };
  } finally {
    await lock.release();
  }
}

/** How long the rest takes: as trained cells took so far, or as the first one says of itself. */
class StudyClock {
  readonly total: number;
  left: number;
  private readonly devices: number;
  private readonly running = new Map<string, number>();
  private seconds = 0;
  private counted = 0;

  constructor(total: number, devices: number) {
    this.total = this.left = total;
    this.devices = devices;
  }

  ended(device: string, seconds: number, counts: boolean): void {
    this.left--;
    this.running.delete(device);
    if (!counts) return;
    this.seconds += seconds;
    this.counted++;
  }

  /** Seconds until the last cell is done, where a cell on `device` says that it has `own` seconds of training left. */
  eta(device: string, own: number | null): number | null {
    if (own !== null) this.running.set(device, Math.max(own, this.running.get(device) ?? 0));
    const each = this.counted > 0 ? this.seconds / this.counted : (this.running.get(device) ?? null);
    if (each === null) return null;
    const waiting = Math.max(0, this.left - (own === null ? 0 : this.devices));
    return (own ?? 0) + (each * waiting) / this.devices;
  }
}

type Ended = Extract<CellMessage, { kind: 'stopped' | 'failed' | 'done' }>;

/** Runs a cell's process to its end, whatever that is. */
async function runCell(cell: Cell, { study, device, now, stop }: { study: Study; device: string; now: boolean; stop: AbortSignal }, onMessage: (message: CellMessage) => void): Promise<Ended> {
  const config = device === 'auto' ? cell.config : { ...cell.config, engine: { ...cell.config.engine, device } };
  const child = fork(builtFile('cell.process.mjs'), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let ended: Ended | null = null, last = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (last = (last + text).slice(-2000)));
  child.on('message', (message: CellMessage) => {
    if (message.kind === 'stopped' || message.kind === 'failed' || message.kind === 'done') ended = message;
    else onMessage(message);
  });
  const ask = (request: CellRequest): void => {
    child.send(request, () => undefined);
  };
  const stopping = (): void => ask({ kind: 'stop' });
  stop.addEventListener('abort', stopping);
  ask({ kind: 'start', job: { config, folder: cell.folder, trained: cell.row.trained, now, measures: study.measure, pairs: study.pairs, neighbours: study.neighbours } });
  if (stop.aborted) stopping();
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    const how = signal === 'SIGKILL' ? 'was killed, as the system does where memory runs out' : signal ? `ended by ${signal}` : `ended with code ${code}`;
    return ended ?? { kind: 'failed', message: `its process ${how}${last.trim() ? `: ${last.trim().split('\n').at(-1)}` : ''}` };
  } catch (error) {
    return { kind: 'failed', message: `no process can be started for it: ${(error as Error).message}` };
  } finally {
    stop.removeEventListener('abort', stopping);
  }
}

