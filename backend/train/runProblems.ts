/** What is wrong with a run's values, key by key: the schema's findings, options that exclude each other, and images that are not there. */
import { resolve } from 'node:path';
import { openDataset, type Dataset } from '../data/dataset.ts';
import { InputError } from '../errors.ts';
import { methodOf } from '../methods/registry.ts';
import type { RunFileProblem } from '../protocol/machine.ts';
import type { RunConfig } from './config.ts';
import { isObject, type JsonObject } from './mergeRun.ts';
import { examineRun } from './runFile.ts';

type Path = RunFileProblem['path'];

/** The keys of a run file that a message names. */
export function namedKeys(message: string): Path[] {
  const names = message.match(/\b(?:schedule|model|method|augment|data|batch|optimizer|engine|checkpoint|health)(?:\.\w+)*/g) ?? [];
  return names.map((name) => name.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key)));
}

/** Of checks across keys, the first key is where the message is shown. */
const shownAt = (message: string): Path => namedKeys(message)[0] ?? [];

/** Opens images, each source once, also where many runs name it. */
export class ImageSources {
  private readonly opened = new Map<string, Promise<Dataset>>();

  open(path: string): Promise<Dataset> {
    const opened = this.opened.get(path) ?? openDataset(path);
    this.opened.set(path, opened);
    return opened;
  }
}

export interface RunFindings {
  /** Null where the values are no configuration. */
  config: RunConfig | null;
  problems: RunFileProblem[];
  /** The training images; null where they are not named or not there. */
  train: Dataset | null;
}

/** Everything that is wrong with a run's values; relative paths count from `folder`. Without `sources` nobody looks whether its images are there. */
export async function findRunProblems(values: JsonObject, folder: string, sources: ImageSources | null): Promise<RunFindings> {
  const { config, problems: found } = examineRun(values);
  const problems: RunFileProblem[] = found.map((problem) => (problem.path.length > 0 ? problem : { ...problem, path: shownAt(problem.message) }));
  const refused = (keys: Path, error: unknown): null => {
    if (!(error instanceof InputError)) throw error;
    problems.push({ path: keys, message: error.message, inSchema: false });
    return null;
  };
  try {
    // Options that exclude each other are refused where the model is laid out.
    if (config) methodOf(config.method).specs(config.model, config.method);
  } catch (error) {
    refused(shownAt((error as Error).message), error);
  }
  // Where other keys are wrong, the images are looked for all the same.
  const data: JsonObject = config?.data ?? (isObject(values.data) ? values.data : {});
  const look = async (key: 'train' | 'test') => {
    const source = data[key];
    return sources && typeof source === 'string' && source !== '' ? sources.open(resolve(folder, source)).catch((error: unknown) => refused(['data', key], error)) : null;
  };
  const train = await look('train');
  await look('test');
  return { config, problems, train };
}
