/** Models to look into: from a run's checkpoint, or as a run began. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.ts';
import { openTensorFile } from '../formats/tensorFile.ts';
import { modelStateDict } from '../formats/stateDict.ts';
import { methodOf, type MethodConfig } from '../methods/registry.ts';
import type { ModelConfig } from '../nn/model.ts';
import { Parameters } from '../nn/parameters.ts';
import { configFile, readConfig } from '../train/folder.ts';
import { modelFileOf } from '../train/checkpoint.ts';
import type { RunConfig } from '../train/config.ts';
import type { FeatureModel } from './features.ts';

/** The model before its first step: what the run's seed gives. */
export const untrained = (model: ModelConfig, method: MethodConfig, seed: number): FeatureModel => ({ model, method, parameters: new Parameters(methodOf(method).specs(model, method), seed) });

/** The run that a checkpoint belongs to: the nearest folder above it that holds a config.json. Throws InputError where there is none. */
export async function runOf(path: string): Promise<{ folder: string; config: RunConfig }> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(join(folder, configFile))) return { folder, config: await readConfig(folder) };
    if (dirname(folder) === folder) throw new InputError(`${path} is in no run folder (no ${configFile} above it), so its model is unknown: give a run folder or one of its checkpoints`);
  }
}

/** Loads a checkpoint: a run folder (its newest), a checkpoint's folder, or its model file. Throws InputError where tensors are missing. */
export async function loadCheckpoint(path: string, config: Pick<RunConfig, 'model' | 'method'>): Promise<FeatureModel> {
  const file = await openTensorFile(await modelFileOf(path));
  try {
    const { tensors } = modelStateDict(file);
    const loaded = untrained(config.model, config.method, 0);
    for (const { name } of loaded.parameters.specs) {
      const tensor = tensors.get(name);
      if (!tensor) {
        loaded.parameters.dispose();
        throw new InputError(`${file.path} has no tensor ${name}: it is not a checkpoint of the ${config.method.name} model that its config.json describes`);
      }
      loaded.parameters.set(name, await file.readFloat32(tensor.name), tensor.shape);
    }
    return loaded;
  } finally {
    await file.close();
  }
}
