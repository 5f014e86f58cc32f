/** Every run of a study with its complete configuration, and which of them are meant. */
import { dirname, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import type { RunConfig } from '../train/config.ts';
import { mergeRun, type JsonObject } from '../train/mergeRun.ts';
import { readRunFile } from '../train/readRunFile.ts';
import { completeRun } from '../train/runFile.ts';
import { cellFolder, type Study, type StudyRow } from './studyFile.ts';

/** One run of the study: a row with one seed. */
export interface Cell {
  /** `row/seed`. */
  id: string;
  row: StudyRow;
  seed: number;
  /** The run's folder. */
  folder: string;
  config: RunConfig;
}

/** Every cell with its configuration, all rows by the first seed first, so that a study that is cut short still compares all of them; the study's file is at `path`, its runs are in `folder`. Throws InputError that names the row. */
export async function cellsOf(study: Study, path: string, folder: string): Promise<Cell[]> {
  const cells: Cell[] = [];
  const base = dirname(path);
  for (const row of study.rows) {
    if (row.sameAs !== undefined) continue;
    try {
      const { values, folder: from } = await layersOf(study, row, base);
      for (const seed of study.seeds) cells.push({ id: `${row.id}/${seed}`, row, seed, folder: cellFolder(folder, row, seed), config: completeRun(asCell(values, row, seed), { folder: from }) });
    } catch (error) {
      if (error instanceof InputError) throw new InputError(`row ${row.id}: ${error.message}`, { cause: error });
      throw error;
    }
  }
  return study.seeds.flatMap((seed) => cells.filter((cell) => cell.seed === seed));
}

/** A row's values: its recipe or run file, the study's own part over it, the row's over both; `folder` is where relative paths count from, `base` the study's. Throws InputError where its run file cannot be read. */
export async function layersOf(study: Pick<Study, 'run'>, row: Pick<StudyRow, 'preset' | 'file' | 'run'>, base: string): Promise<{ values: JsonObject; folder: string }> {
  // A run file's own paths count from its own folder.
  const begun = row.file === undefined ? { value: { preset: row.preset } as JsonObject, folder: base } : { value: (await readRunFile(resolve(base, row.file))).value, folder: dirname(resolve(base, row.file)) };
  const common = begun.folder === base ? study.run : withAbsoluteData(study.run, base);
  return { values: [common, row.run].reduce(mergeRun, begun.value), folder: begun.folder };
}

/** What a run is called and drawn from is its cell's, whatever its layers say. */
export const asCell = (values: JsonObject, row: Pick<StudyRow, 'id'>, seed: number): JsonObject => ({ ...values, name: `${row.id}-${seed}`, seed });

/** Images that the study names are where the study says, also for run files elsewhere. */
function withAbsoluteData(run: JsonObject, base: string): JsonObject {
  const { data } = run;
  if (typeof data !== 'object' || data === null) return run;
  return { ...run, data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, (key === 'train' || key === 'test') && typeof value === 'string' ? resolve(base, value) : (value as unknown)])) };
}

/** Whether a cell is meant by a list of patterns, such as `siamese,d/0,m*`: names of rows or of cells, `*` for anything. */
export function isMeant(patterns: string | undefined, cell: Cell): boolean {
  if (patterns === undefined) return true;
  return patterns.split(',').some((pattern) => {
    const expression = new RegExp(`^${pattern.trim().replace(/[.+?^${}()|[\]\\/]/g, '\\$&').replace(/\*/g, '.*')}$`, 'i');
    return expression.test(cell.row.id) || expression.test(cell.id);
  });
}
