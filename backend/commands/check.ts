/** `--check` of `siamscope train` and `siamscope study`: says what is wrong with a file, key by key, and what it would train, without training. */
import { dirname, join, resolve } from 'node:path';
import type { RunCheck, StudyCheck } from '../protocol/machine.ts';
import { methodName } from '../protocol/methodNames.ts';
import { print, printJson } from './terminal.ts';

/** Checks the file and counts the images that it names. Throws InputError where it cannot be read or is no JSON. */
export async function checkRunFile(file: string, overrides: readonly string[] = []): Promise<RunCheck> {
  const [{ parseOverride }, { readRunFile }, { mergeRun }, { findRunProblems, ImageSources }, { SampleOrder }, { scheduleSteps }] = await Promise.all([
    import('../train/runFile.ts'), import('../train/readRunFile.ts'), import('../train/mergeRun.ts'), import('../train/runProblems.ts'), import('../data/order.ts'), import('../train/schedule.ts'),
  ]);
  const path = resolve(file);
  const { value } = await readRunFile(path);
  const { config, problems, train } = await findRunProblems(overrides.map(parseOverride).reduce(mergeRun, value), dirname(path), new ImageSources());
  if (!config || !train || problems.length > 0) return { file: path, problems, run: null };
  const { size, accumulate } = config.batch;
  const { totalSteps } = scheduleSteps(config.schedule, new SampleOrder(train.length, size, config.seed).stepsPerEpoch / accumulate);
  return { file: path, problems, run: { name: config.name, folder: join(dirname(path), 'runs', config.name), method: config.method.name, arch: config.model.arch, images: train.length, classes: train.classes.length, steps: totalSteps, imagesPerStep: size * accumulate } };
}

/** Checks every row of the study as the run that it would be. Throws InputError where the file cannot be read or is no JSON. */
export async function checkStudyFile(file: string): Promise<StudyCheck> {
  const [{ readRunFile }, { findStudyProblems }, { studyFolder }, { ImageSources }] = await Promise.all([import('../train/readRunFile.ts'), import('../study/studyProblems.ts'), import('../study/studyFile.ts'), import('../train/runProblems.ts')]);
  const path = resolve(file);
  const { value } = await readRunFile(path, 'study file');
  const { study, problems } = await findStudyProblems(value, path, new ImageSources());
  if (!study || problems.length > 0) return { file: path, problems, study: null };
  const own = study.rows.filter(({ sameAs }) => sameAs === undefined);
  return { file: path, problems, study: { name: study.name, folder: studyFolder(path, study), rows: study.rows.length, seeds: study.seeds.length, runs: own.length * study.seeds.length } };
}

/** Prints what is wrong, or what would be trained. Exit code 2 where something is wrong. */
export async function checkRun(file: string, overrides: readonly string[], json: boolean): Promise<void> {
  const found = await checkRunFile(file, overrides), { run } = found;
  report(found, json, run && `${run.name}: ${methodName(run.method)}, ${run.arch}; ${run.images} images${run.classes > 1 ? ` in ${run.classes} classes` : ''}, ${run.steps} steps of ${run.imagesPerStep} images`);
}

/** Prints what is wrong, or how much would be run. Exit code 2 where something is wrong. */
export async function checkStudy(file: string, json: boolean): Promise<void> {
  const found = await checkStudyFile(file), { study } = found;
  report(found, json, study && `${study.name}: ${study.rows} rows, ${study.seeds} seeds, ${study.runs} runs`);
}

function report(found: RunCheck | StudyCheck, json: boolean, summary: string | null): void {
  const { problems } = found;
  if (problems.length > 0) process.exitCode = 2;
  if (json) return printJson(found);
  for (const { path, message } of problems) print(`${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`);
  if (summary !== null) print(summary);
}
