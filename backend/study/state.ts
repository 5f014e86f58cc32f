/** What a study's folder says: which cells there are and how far each is. Reads small files alone, whoever wrote them, and launches nothing. */
import { join } from 'node:path';
import { z } from 'zod';
import { liveHolder, parseJsonText } from '../link/holder.ts';
import { readSmallFile } from '../link/smallFile.ts';
import { isLiving, readStatus } from '../link/status.ts';
import type { StudyCellState } from '../protocol/study.ts';
import { cellFolder, parseStudy, type Study, type StudyRow } from './studyFile.ts';

/** The study's file as it was when the study last ran, paths made absolute. */
export const studyCopy = 'study.json';
/** In a run's folder: what was measured of it. Where it is, the cell is done. */
export const resultFile = 'result.json';

/** In a run's folder: why its process failed, where the run itself could not say so. */
export const failureFile = 'failure.json';

const studyBytes = 2 ** 20, resultBytes = 2 ** 18, failureBytes = 2 ** 16;

const failureSchema = z.object({ message: z.string().max(10_000) });

const measureSchema = z.object({
  id: z.string().max(100),
  name: z.string().max(100),
  value: z.number(),
  /** What knowing nothing gives. */
  chance: z.number().nullable(),
  /** Shares are of 1. */
  unit: z.enum(['share', 'number']).default('share'),
});

const resultSchema = z.object({
  finished: z.string().max(40),
  /** Optimizer steps, 0 where nothing was trained. */
  steps: z.number(),
  /** In training alone, over all its sessions. */
  trainSeconds: z.number(),
  measureSeconds: z.number(),
  /** The last loss; null where nothing was trained, or it was not finite. */
  loss: z.number().nullable(),
  engine: z.string().max(500),
  /** What was found unwell while it trained, in words. */
  health: z.array(z.string().max(1000)).max(100),
  measures: z.array(measureSchema).max(100),
});

export type CellMeasure = z.infer<typeof measureSchema>;
export type CellResult = z.infer<typeof resultSchema>;

export interface CellReading {
  row: StudyRow;
  seed: number;
  folder: string;
  state: StudyCellState;
  step: number;
  steps: number | null;
  /** Seconds of training to go, while it runs. */
  eta: number | null;
  loss: number | null;
  /** Steps of the newest checkpoint. */
  checkpoint: number | null;
  error: string | null;
  /** Why it pauses while it runs. */
  waiting: string | null;
  result: CellResult | null;
}

export interface StudyReading {
  study: Study;
  /** A cell for each row with runs of its own and each seed. */
  cells: CellReading[];
}

export async function readResult(folder: string): Promise<CellResult | null> {
  const text = await readSmallFile(join(folder, resultFile), resultBytes);
  return text === null ? null : (resultSchema.safeParse(parseJsonText(text)).data ?? null);
}

/** `atWork`: somebody runs the study. */
export async function readCell(row: StudyRow, seed: number, folder: string, atWork: boolean): Promise<CellReading> {
  const [result, status, failure] = await Promise.all([readResult(folder), readStatus(folder), readSmallFile(join(folder, failureFile), failureBytes).then((text) => failureSchema.safeParse(parseJsonText(text)).data ?? null)]);
  const common = { row, seed, folder, checkpoint: status?.checkpoint ?? null };
  if (result) return { ...common, state: 'done', step: result.steps, steps: result.steps, eta: null, loss: result.loss, error: null, waiting: null, result };
  // A status that lives without a process is that of a run that was killed.
  const isHeld = (await liveHolder(folder, { sweep: false })) !== null;
  const training = status !== null && isLiving(status.state);
  const state = ((): StudyCellState => {
    if (isHeld) return row.trained && status?.state !== 'done' ? 'running' : 'measuring';
    if (failure || status?.state === 'failed') return 'failed';
    if (!status) return 'waiting';
    // Between its last step and its measuring nobody holds it for a moment.
    return status.state === 'done' && atWork ? 'measuring' : 'stopped';
  })();
  const runs = state === 'running' && training;
  return { ...common, state, step: status?.step ?? 0, steps: status?.steps ?? null, eta: runs ? status.eta : null, loss: status?.loss ?? null, error: state === 'failed' ? (status?.error?.message ?? failure?.message ?? null) : null, waiting: runs ? status.waiting : null, result };
}

/** Whether somebody, here or elsewhere, runs the study in this folder. */
export const isAtWork = async (folder: string): Promise<boolean> => (await liveHolder(folder, { sweep: false })) !== null;

/** Rows with runs of their own, each with each seed. */
export const cellPlaces = (study: Study, folder: string): { row: StudyRow; seed: number; folder: string }[] =>
  study.rows.filter((row) => row.sameAs === undefined).flatMap((row) => study.seeds.map((seed) => ({ row, seed, folder: cellFolder(folder, row, seed) })));

/** Reads the cells of a study whose runs are in `folder`. */
export async function readCells(study: Study, folder: string): Promise<CellReading[]> {
  const atWork = await isAtWork(folder);
  return Promise.all(cellPlaces(study, folder).map((place) => readCell(place.row, place.seed, place.folder, atWork)));
}

/** A study's folder; null where there is none. Throws InputError where its copy of the study file is damaged. */
export async function readStudyFolder(folder: string): Promise<StudyReading | null> {
  const study = await readStudyCopy(folder);
  return study && { study, cells: await readCells(study, folder) };
}

/** The study as it last ran in a folder; null where it never did. Throws InputError where the copy is damaged. */
export async function readStudyCopy(folder: string): Promise<Study | null> {
  const text = await readSmallFile(join(folder, studyCopy), studyBytes);
  return text === null ? null : parseStudy(parseJsonText(text), () => join(folder, studyCopy));
}
