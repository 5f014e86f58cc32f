/** What a study's folder says: which cells there are and how far each is. Reads small files alone, whoever wrote them, and launches nothing. */
import { join } from 'node:path';
import { z } from 'zod';
import { parseJsonText } from '../link/holder.ts';
import { readSmallFile } from '../link/smallFile.ts';
import { isLiving, readStatus } from '../link/status.ts';
import { cellFolder, parseStudy, type Study, type StudyRow } from './studyFile.ts';

/** The study's file as it was when the study last ran, paths made absolute. */
export const studyCopy = 'study.json';
/** In a run's folder: what was measured of it. Where it is, the cell is done. */
export const resultFile = 'result.json';

const studyBytes = 2 ** 20, resultBytes = 2 ** 18;

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

export type CellState = 'waiting' | 'running' | 'stopped' | 'failed' | 'done';

export interface CellReading {
  row: StudyRow;
  seed: number;
  folder: string;
  state: CellState;
  step: number;
  steps: number | null;
  error: string | null;
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

async function readCell(row: StudyRow, seed: number, folder: string): Promise<CellReading> {
  const [result, status] = await Promise.all([readResult(folder), readStatus(folder)]);
  const state: CellState = result ? 'done' : !status ? 'waiting' : isLiving(status.state) || status.state === 'done' ? 'running' : status.state === 'failed' ? 'failed' : 'stopped';
  return { row, seed, folder, state, step: result?.steps ?? status?.step ?? 0, steps: result?.steps ?? status?.steps ?? null, error: result ? null : (status?.error?.message ?? null), result };
}

/** Reads the cells of a study whose runs are in `folder`. */
export const readCells = (study: Study, folder: string): Promise<CellReading[]> =>
  Promise.all(study.rows.filter((row) => row.sameAs === undefined).flatMap((row) => study.seeds.map((seed) => readCell(row, seed, cellFolder(folder, row, seed)))));

/** A study's folder; null where there is none. Throws InputError where its copy of the study file is damaged. */
export async function readStudyFolder(folder: string): Promise<StudyReading | null> {
  const text = await readSmallFile(join(folder, studyCopy), studyBytes);
  if (text === null) return null;
  const study = parseStudy(parseJsonText(text), () => join(folder, studyCopy));
  return { study, cells: await readCells(study, folder) };
}
