/** What is wrong with a study file, key by key, with every row checked as the run that it would be. */
import { dirname } from 'node:path';
import { InputError } from '../errors.ts';
import type { RunFileProblem } from '../protocol/machine.ts';
import type { JsonObject } from '../train/mergeRun.ts';
import { has, namesMethod } from '../train/runFile.ts';
import { findRunProblems, namedKeys, type ImageSources } from '../train/runProblems.ts';
import { asCell, layersOf } from './cells.ts';
import { examineStudy, type Study, type StudyRow } from './studyFile.ts';

type Path = RunFileProblem['path'];

/** Everything that is wrong with a study's values; its file is at `path`. `study` is null where they are no study; without `sources` nobody looks whether images are there. */
export async function findStudyProblems(value: unknown, path: string, sources: ImageSources | null): Promise<{ study: Study | null; problems: RunFileProblem[] }> {
  const { study, problems } = examineStudy(value);
  if (!study || problems.length > 0) return { study, problems };
  for (const [i, row] of study.rows.entries()) if (row.sameAs === undefined) problems.push(...(await rowProblems(study, row, i, dirname(path), sources)));
  // What the study lays over all rows is wrong in each of them.
  const said = new Set<string>();
  return { study, problems: problems.filter((problem) => !said.has(JSON.stringify(problem)) && said.add(JSON.stringify(problem))) };
}

async function rowProblems(study: Study, row: StudyRow, i: number, base: string, sources: ImageSources | null): Promise<RunFileProblem[]> {
  const recipe: Path = ['rows', i, row.file === undefined ? 'preset' : 'file'];
  try {
    const { values, folder } = await layersOf(study, row, base);
    const { problems } = await findRunProblems(asCell(values, row, study.seeds[0]!), folder, sources);
    return problems.map((problem) => placed(problem, { study: study.run, row: row.run, values }, ['rows', i], recipe));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return [{ path: recipe, message: error.message, inSchema: false }];
  }
}

/**
 * A run's problem at the key that gave the value: in the row's part, or the study's, else at the recipe or run file that both are laid over.
 * What is missing everywhere is said where it would stand.
 */
function placed({ path, message, inSchema }: RunFileProblem, { study, row, values }: Record<'study' | 'row' | 'values', JsonObject>, at: Path, recipe: Path): RunFileProblem {
  const parts: [part: JsonObject, place: Path][] = [[row, [...at, 'run']], [study, ['run']]];
  for (const [part, place] of parts)
    for (const keys of [path, ...namedKeys(message)]) if (keys.length > 0 && has(part, keys)) return { path: [...place, ...keys], message, inSchema: inSchema && (keys[0] !== 'method' || namesMethod(part)) };
  const said = path.length === 0 || message.startsWith(path.join('.')) ? message : `${path.join('.')}: ${message}`;
  if (!has(values, path))
    for (const [part, place] of parts)
      for (let length = path.length - 1; length > 0; length--) if (has(part, path.slice(0, length))) return { path: [...place, ...path.slice(0, length)], message: said, inSchema: false };
  // Recipes have no images: they are the study's to give.
  if (path[0] === 'data' && !has(values, path)) return { path: ['run'], message: said, inSchema: false };
  return path[0] === 'preset' ? { path: recipe, message, inSchema } : { path: recipe, message: said, inSchema: false };
}
