/** Models to look into: from a run's checkpoint, or as a run began. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.ts';
import { openTensorFile, type TensorFile, type TensorInfo } from '../formats/tensorFile.ts';
import { checkpointTensors } from '../methods/checkpointNames.ts';
import type { FoundEncoders } from '../methods/officialEncoders.ts';
import { methodOf, type MethodConfig } from '../methods/registry.ts';
import { encoderSpecs } from '../nn/encoder.ts';
import { modelDimensions, type ModelConfig } from '../nn/model.ts';
import { Parameters } from '../nn/parameters.ts';
import { resnetSpecs } from '../nn/resnet.ts';
import { configFile, readConfig } from '../train/folder.ts';
import { modelFileOf } from '../train/checkpoint.ts';
import type { RunConfig } from '../train/config.ts';
import { goldenConfigSchema, goldenModel } from '../train/goldenProblems.ts';
import { encoderPrefixes, type FeatureModel } from './features.ts';
import { recognizeModel, type Recognized } from './recognize.ts';

/** The model before its first step: what the run's seed gives; null: zeros, to be filled. */
export const untrained = (model: ModelConfig, method: MethodConfig, seed: number | null): FeatureModel => ({ model, method, parameters: new Parameters(methodOf(method).specs(model, method), seed) });

/** A model with what is known of where it comes from. */
export interface OpenedModel extends FeatureModel {
  /** The run's configuration; null for a checkpoint of other code. */
  config: RunConfig | null;
  /** What was assumed of a checkpoint without a run. */
  assumptions: string[];
}

/** Opens any checkpoint: of a run of ours by its config.json, of the authors' code by its tensors. Throws InputError where it is neither. */
export async function openModel(path: string, heads?: number): Promise<OpenedModel> {
  const config = await configAbove(path);
  if (config) return { ...(await loadCheckpoint(path, config)), config, assumptions: [] };
  const modelFile = await modelFileOf(path);
  const golden = await goldenModelBeside(modelFile);
  if (golden) return { ...(await loadCheckpoint(modelFile, golden)), config: null, assumptions: [] };
  const file = await openTensorFile(modelFile);
  try {
    const recognized = recognizeModel(file, heads);
    return { ...(recognized.encoders ? await loadEncoders(file, recognized, recognized.encoders) : await loadCheckpoint(path, recognized)), config: null, assumptions: recognized.assumptions };
  } finally {
    await file.close();
  }
}

/** The model that a checkpoint began as: what its run's seed gives; for a checkpoint of other code what seed 0 gives. Throws InputError as `openModel` does. */
export async function openUntrained(path: string): Promise<OpenedModel> {
  const config = await configAbove(path);
  if (config) return { ...untrained(config.model, config.method, config.seed), config, assumptions: [] };
  const { model, method, parameters } = await openModel(path);
  parameters.dispose();
  return { ...untrained(model, method, 0), config: null, assumptions: ['how it began is not known: initial values are drawn by seed 0'] };
}

/** The encoders of a checkpoint of other code, by our names; what else belongs to its method is left out. */
async function loadEncoders(file: TensorFile, { model, method }: Recognized, { branches }: FoundEncoders): Promise<FeatureModel> {
  const prefixes = encoderPrefixes(method);
  const wanted = new Map<string, TensorInfo>();
  for (const branch of ['online', 'target'] as const)
    for (const [name, tensor] of (branch === 'online' ? (branches.online ?? branches.target) : branches.target) ?? []) wanted.set(prefixes[branch] + name, tensor);
  const all = methodOf(method).specs(model, method), known = new Set(all.map(({ name }) => name));
  const specs = all.filter(({ name }) => wanted.has(name));
  const loaded: FeatureModel = { model, method, parameters: new Parameters(specs.map(({ copyOf: _copyOf, ...spec }) => spec), null) };
  const dimensions = modelDimensions(model);
  // Counters of batches came to PyTorch later than the oldest published files.
  const whole = dimensions.kind === 'residual' ? resnetSpecs(dimensions).filter((spec) => !spec.name.endsWith('num_batches_tracked')) : encoderSpecs(model, false);
  for (const name of [...whole.map((spec) => prefixes.online + spec.name), ...specs.map((spec) => spec.name)]) {
    const tensor = wanted.get(name);
    if (!tensor && !known.has(name)) continue; // BEiT's blocks have other names
    if (!tensor) throw new InputError(`${file.path} has no tensor ${name}: its encoder is not whole`);
    if (loaded.parameters.has(name)) loaded.parameters.set(name, await file.readFloat32(tensor.name), tensor.shape);
  }
  return loaded;
}

/** Folders of golden numbers say what their checkpoint is of. */
async function goldenModelBeside(modelFile: string): Promise<Pick<RunConfig, 'model' | 'method'> | null> {
  const text = await readFile(join(dirname(modelFile), 'expected.json'), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return goldenModel(goldenConfigSchema.parse((JSON.parse(text) as { config: unknown }).config));
  } catch {
    return null; // another expected.json
  }
}

async function configAbove(path: string): Promise<RunConfig | null> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(join(folder, configFile))) return readConfig(folder);
    if (dirname(folder) === folder) return null;
  }
}

/** The run that a checkpoint belongs to: the nearest folder above it that holds a config.json. Throws InputError where there is none. */
export async function runOf(path: string): Promise<RunConfig> {
  const config = await configAbove(path);
  if (!config) throw new InputError(`${path} is in no run folder (no ${configFile} above it), so its model is unknown: give a run folder or one of its checkpoints`);
  return config;
}

/** Loads a checkpoint: a run folder (its newest), a checkpoint's folder, or its model file. Throws InputError where tensors are missing. */
export async function loadCheckpoint(path: string, config: Pick<RunConfig, 'model' | 'method'>): Promise<FeatureModel> {
  const file = await openTensorFile(await modelFileOf(path));
  try {
    const loaded = untrained(config.model, config.method, null);
    const tensors = checkpointTensors(file, loaded.parameters.specs);
    for (const { name, optional } of loaded.parameters.specs) {
      const tensor = tensors.get(name);
      if (!tensor && optional) continue;
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
