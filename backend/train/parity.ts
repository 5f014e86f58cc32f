/**
 * Agreement with golden numbers: loads a folder's checkpoint and batch, takes the steps that its expected.json describes, and
 * compares every number that it holds. The engine is current already.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { openTensorFile, type TensorFile } from '../formats/tensorFile.ts';
import { checkpointTensors, ownName } from '../methods/checkpointNames.ts';
import { goldenConfigSchema, goldenProblem } from './goldenProblems.ts';
import { Learner, type StepDetails } from './learner.ts';

const steps = 3;

export interface ParityResult {
  loss: number;
  positive_term?: number;
  negative_term?: number;
  terms: Record<string, number>;
  losses: number[];
  /** Global norm of the gradients of each step, before clipping. */
  grad_norms: number[];
  /** Norm of each parameter's gradient in the first step. */
  gradients: Record<string, number>;
  /** Norm of each tensor after the last step. */
  after_three_steps: Record<string, number>;
  /** Greatest relative error of each kind of number that the folder has an expectation of. */
  errors: Record<string, number>;
  /** The parameter or tensor with the greatest error, where a kind has many. */
  worst: Record<string, string>;
}

type Json = Record<string, unknown>;

async function readExpected(folder: string): Promise<Json> {
  const path = join(folder, 'expected.json');
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Json;
  } catch (error) {
    throw new InputError(`${path} cannot be read: ${(error as Error).message}. A parity folder holds model.pth, batch.safetensors and expected.json with its "config"`);
  }
}

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

/** |actual - expected| / |expected|, over all values. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0, size = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / (size || 1e-30));
}

/** Below this share of the greatest gradient a norm is rounding noise: its true value is zero (a bias before a batch norm). */
const noiseShare = 1e-6;

/** How a tensor is compared: `noise` against the greatest norm of all, since its own is rounding error; `skip` not at all. */
type Comparison = 'own' | 'noise' | 'skip';

/** The greatest relative error of named norms, and whose it is. Throws nothing: a missing name counts as infinite. */
function compareNorms(actual: Record<string, number>, expected: Record<string, number>, comparison: (name: string) => Comparison): { error: number; worst: string } {
  const greatest = Math.max(...Object.values(expected));
  let error = 0, worst = '';
  for (const [name, value] of Object.entries(expected)) {
    const how = comparison(name);
    if (how === 'skip') continue;
    const own = actual[name];
    const e = own === undefined ? Infinity : Math.abs(own - value) / Math.max(Math.abs(value), greatest * (how === 'noise' ? 1 : noiseShare));
    if (e > error) [error, worst] = [e, name];
  }
  return { error, worst };
}

/**
 * After a step a tensor whose true gradient is zero in part has moved by whole steps of rounding error: the key third of
 * attn.qkv.bias (a softmax ignores what all its inputs share), and what the folder names itself.
 */
const roundingNoise = (expected: Json, name: string): boolean => ((expected.rounding_noise as string[] | undefined) ?? []).includes(name) || name.endsWith('attn.qkv.bias');

async function loadParameters(learner: Learner, file: TensorFile): Promise<void> {
  const tensors = checkpointTensors(file, learner.parameters.specs);
  for (const { name, optional } of learner.parameters.specs) {
    const tensor = tensors.get(name);
    if (!tensor && optional) continue;
    if (!tensor) throw new InputError(`${file.path} has no tensor ${name}, which its config asks for`);
    learner.parameters.set(name, await file.readFloat32(tensor.name), tensor.shape);
  }
}

/** Runs the folder's problem. Throws InputError where the folder is not one. */
export async function runParity(folder: string): Promise<ParityResult> {
  const expected = await readExpected(folder);
  const config = goldenConfigSchema.safeParse(expected.config);
  if (!config.success) throw new InputError(`${join(folder, 'expected.json')}: config is not understood: ${config.error.issues.map((i) => `${i.path.join('.') || 'config'}: ${i.message}`).join('; ')}`);
  const batchFile = await openTensorFile(join(folder, 'batch.safetensors'));
  const modelFile = await openTensorFile(join(folder, existsSync(join(folder, 'model.pth')) ? 'model.pth' : 'model.safetensors'));
  const problem = await goldenProblem(config.data, batchFile);
  const learner = Learner.create({ ...problem.options, seed: 0 });
  try {
    await loadParameters(learner, modelFile);
    const result: ParityResult = { loss: NaN, terms: {}, losses: [], grad_norms: [], gradients: {}, after_three_steps: {}, errors: {}, worst: {} };
    for (let step = 0; step < steps; step++) {
      const { loss, gradNorm } = await learner.stepOn([problem.batch], problem.rates(step), step === 0 ? (details) => firstStep(result, learner, details, folder) : undefined, problem.draw?.(step));
      result.losses.push(loss);
      result.grad_norms.push(gradNorm);
    }
    for (const { name, read } of learner.modelTensors()) result.after_three_steps[name] = norm(await read());
    compare(result, withOwnNames(expected, new Set(learner.parameters.specs.map(({ name }) => name))));
    return result;
  } finally {
    learner.dispose();
    await Promise.all([batchFile.close(), modelFile.close()]);
  }
}

/** What only the first step tells: terms, the norm of each gradient, and intermediate results. */
async function firstStep(result: ParityResult, learner: Learner, { loss, metrics, gradients, intermediates }: StepDetails, folder: string): Promise<void> {
  const { feature_std: _std, effective_rank: _rank, ...terms } = metrics;
  Object.assign(result, { loss, terms }, terms);
  for (const [i, { spec }] of learner.parameters.trainable.entries()) if (gradients[i]) result.gradients[spec.name] = norm(await gradients[i].data<'float32'>());
  await compareIntermediates(result, intermediates, join(folder, 'expected.safetensors'));
}

async function compareIntermediates(result: ParityResult, intermediates: Record<string, tf.Tensor>, path: string): Promise<void> {
  if (!existsSync(path)) return;
  const file = await openTensorFile(path);
  for (const { name } of file.tensors) if (intermediates[name]) result.errors[name] = relativeError(await intermediates[name].data(), await file.readFloat32(name));
  await file.close();
}

/** The expectations by our names of parameters. */
function withOwnNames(expected: Json, names: ReadonlySet<string>): Json {
  const renamed = (norms: unknown): unknown => norms && Object.fromEntries(Object.entries(norms as Record<string, number>).map(([name, value]) => [ownName(name, names), value]));
  return { ...expected, gradients: renamed(expected.gradients), after_three_steps: renamed(expected.after_three_steps), rounding_noise: (expected.rounding_noise as string[] | undefined)?.map((name) => ownName(name, names)) };
}

function compare(result: ParityResult, expected: Json): void {
  const { errors, worst } = result;
  const losses = expected.losses as number[] | undefined, gradNorms = expected.grad_norms as number[] | undefined;
  const relative = (a: number, b: number): number => Math.abs(a - b) / Math.max(Math.abs(b), a === b ? 1 : 1e-30);
  if (losses) {
    errors.loss = relative(result.loss, losses[0]!);
    errors.losses = Math.max(...losses.map((l, i) => relative(result.losses[i]!, l)));
  }
  if (gradNorms) errors.grad_norms = Math.max(...gradNorms.map((g, i) => relative(result.grad_norms[i]!, g)));
  for (const [name, value] of Object.entries({ ...(expected.terms as Record<string, number> | undefined), positive_term: expected.positive_term, negative_term: expected.negative_term }))
    if (typeof value === 'number') errors[name] = relative((name === 'loss' ? result.loss : result.terms[name]) ?? NaN, value);
  const ofGradients = (name: string): Comparison => (roundingNoise(expected, name) && !name.endsWith('attn.qkv.bias') ? 'noise' : 'own');
  const ofTensors = (name: string): Comparison => (roundingNoise(expected, name) ? 'skip' : 'own');
  for (const [kind, comparison] of [['gradients', ofGradients], ['after_three_steps', ofTensors]] as const) {
    if (!expected[kind]) continue;
    const compared = compareNorms(result[kind], expected[kind] as Record<string, number>, comparison);
    errors[kind] = compared.error;
    worst[kind] = compared.worst;
  }
}
