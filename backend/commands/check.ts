/** `siamscope train FILE --check`: says what is wrong with a run file, key by key, and what it would train on, without training. */
import { dirname, join, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import type { RunCheck } from '../protocol/machine.ts';
import { print, printJson } from './terminal.ts';

/** Keys of the run file that a message names; of checks across keys, the first is where the message is shown. */
const namedKey = /\b(?:schedule|model|method|augment|data|batch|optimizer|engine|checkpoint|health)(?:\.\w+)*/;

/** Checks the file and counts the images that it names. Throws InputError where it cannot be read or is no JSON. */
export async function checkRunFile(file: string, overrides: readonly string[] = []): Promise<RunCheck> {
  const [{ examineRun, parseOverride }, { readRunFile }, { mergeRun }, { methodOf }, { openDataset }, { SampleOrder }, { scheduleSteps }] = await Promise.all([
    import('../train/runFile.ts'), import('../train/readRunFile.ts'), import('../train/mergeRun.ts'), import('../methods/registry.ts'), import('../data/dataset.ts'), import('../data/order.ts'), import('../train/schedule.ts'),
  ]);
  const path = resolve(file);
  const { value } = await readRunFile(path);
  const { config, problems } = examineRun(overrides.map(parseOverride).reduce(mergeRun, value));
  const keysIn = (message: string): (string | number)[] => namedKey.exec(message)?.[0].split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key)) ?? [];
  const found: RunCheck = { file: path, problems: problems.map((problem) => (problem.path.length > 0 ? problem : { ...problem, path: keysIn(problem.message) })), run: null };
  const from = (source: string): string => resolve(dirname(path), source);
  const refused = (keys: (string | number)[]) => (error: unknown): null => {
    if (!(error instanceof InputError)) throw error;
    found.problems.push({ path: keys, message: error.message, inSchema: false });
    return null;
  };
  // Where other keys are wrong, the images are looked for all the same.
  const data = config?.data ?? (value.data as { train?: unknown; test?: unknown } | undefined);
  const look = async (key: 'train' | 'test') => {
    const source = data?.[key];
    return typeof source === 'string' && source !== '' ? openDataset(from(source)).catch(refused(['data', key])) : null;
  };
  try {
    // Options that exclude each other are refused where the model is laid out.
    if (config) methodOf(config.method).specs(config.model, config.method);
  } catch (error) {
    refused(keysIn((error as Error).message))(error);
  }
  const [train] = [await look('train'), await look('test')];
  if (!config) return found;
  const { size, accumulate } = config.batch;
  if (train && found.problems.length === 0) {
    const { totalSteps } = scheduleSteps(config.schedule, new SampleOrder(train.length, size, config.seed).stepsPerEpoch / accumulate);
    found.run = { name: config.name, folder: join(dirname(path), 'runs', config.name), method: config.method.name, arch: config.model.arch, images: train.length, classes: train.classes.length, steps: totalSteps, imagesPerStep: size * accumulate };
  }
  return found;
}

/** Prints what is wrong, or what would be trained. Exit code 2 where something is wrong. */
export async function check(file: string, overrides: readonly string[], json: boolean): Promise<void> {
  const { run, problems } = await checkRunFile(file, overrides);
  if (problems.length > 0) process.exitCode = 2;
  if (json) return printJson({ file: resolve(file), problems, run });
  for (const { path, message } of problems) print(`${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`);
  if (run) print(`${run.name}: ${run.method}, ${run.arch}; ${run.images} images${run.classes > 1 ? ` in ${run.classes} classes` : ''}, ${run.steps} steps of ${run.imagesPerStep} images`);
}
