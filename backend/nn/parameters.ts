/** Parameters by the names that checkpoints use: how a model declares them, initialises them, and finds them again. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { parameterUpdates } from '../ops/updates.ts';
import { Random } from '../random.ts';

/** How a parameter starts. */
export type Initializer =
  | { kind: 'zeros' }
  | { kind: 'constant'; value: number }
  | { kind: 'normal'; std: number }
  /** Evenly from -limit to limit. */
  | { kind: 'uniform'; limit: number }
  /** Glorot and Bengio's uniform: +-sqrt(6 / (inputs + outputs)), a convolution's weight taken as a matrix [out, rest]. */
  | { kind: 'xavier' }
  /** Columns of a matrix as random directions of unit length. */
  | { kind: 'directions' }
  /** Given values, such as fixed position embeddings. */
  | { kind: 'values'; values: () => Float32Array };

export interface ParameterSpec {
  name: string;
  shape: number[];
  initializer: Initializer;
  /** Updated by the optimizer. The target branch, buffers and fixed embeddings are not. */
  trainable: boolean;
  /** Starts as a copy of this parameter (the target branch). */
  copyOf?: string;
  /** The same parameter under a second name, which the authors' checkpoints have too. */
  aliasOf?: string;
  /** Not in the authors' checkpoints: where one lacks it, it stays as it begins. */
  optional?: boolean;
  /** Whether weight decay takes hold of it; left out: weights do, biases and one-dimensional parameters do not. */
  decay?: boolean;
  /** False: neither counted in the gradient's norm nor clipped. */
  clip?: boolean;
  /** Its share of the learning rate; left out: all of it. */
  learningRateScale?: number;
}

/** The specs under a prefix, as part of a larger model. */
export const prefixed = (prefix: string, specs: readonly ParameterSpec[]): ParameterSpec[] => specs.map((spec) => ({ ...spec, name: prefix + spec.name }));

/** The same parameters as a branch that is not trained: each starts as a copy of its source. */
export const copied = (from: string, to: string, specs: readonly ParameterSpec[]): ParameterSpec[] => specs.map((spec) => ({ ...spec, name: to + spec.name, trainable: false, copyOf: from + spec.name }));

/** What a target branch follows by a moving average: [target, source] of every copy but batch norms' buffers, which each branch fills itself. */
export const followers = (specs: readonly ParameterSpec[]): [target: string, source: string][] => specs.filter(({ name, copyOf }) => copyOf !== undefined && !/\.(running_|num_batches)/.test(name)).map(({ name, copyOf }) => [name, copyOf!]);

export function initialValues({ name, shape, initializer }: ParameterSpec, seed: number | null): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  if (seed === null && initializer.kind !== 'values') return new Float32Array(size);
  // A stream of its own for each name: adding a parameter does not change how the others start.
  const random = new Random(seed ?? 0, ...Buffer.from(name));
  switch (initializer.kind) {
    case 'zeros':
      return new Float32Array(size);
    case 'constant':
      return new Float32Array(size).fill(initializer.value);
    case 'normal':
      return filled(size, () => initializer.std * random.normal());
    case 'uniform':
      return filled(size, () => random.uniform(-initializer.limit, initializer.limit));
    case 'xavier': {
      const outputs = shape[0]!;
      const limit = Math.sqrt(6 / (outputs + size / outputs));
      return filled(size, () => random.uniform(-limit, limit));
    }
    case 'directions': {
      const values = filled(size, () => random.normal());
      const columns = shape.at(-1)!;
      for (let column = 0; column < columns; column++) {
        let square = 0;
        for (let i = column; i < size; i += columns) square += values[i]! ** 2;
        for (let i = column; i < size; i += columns) values[i]! /= Math.sqrt(square);
      }
      return values;
    }
    case 'values':
      return initializer.values();
  }
}

/** `Float32Array.from` would take ten times as long. */
function filled(size: number, draw: () => number): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = draw();
  return values;
}

/** Running statistics on their way: what a forward pass saw counts only once its loss has proved finite. */
export class RunningStatistics {
  private pending: { update: (...seen: tf.Tensor[]) => void; seen: tf.Tensor[] }[] = [];
  private readonly means = new Map<tf.Variable, { total: tf.Tensor; count: number; weight: number }>();

  /** What is to be done with the tensors seen, which are kept until then. */
  later(seen: tf.Tensor[], update: (...seen: tf.Tensor[]) => void): void {
    this.pending.push({ update, seen: seen.map((tensor) => tf.keep(tf.clone(tensor))) });
  }

  /** The variable moves towards the mean over the step's micro-batches of what was seen, by the given weight. */
  follow(variable: tf.Variable, seen: tf.Tensor, weight: number): void {
    const { total, count } = this.means.get(variable) ?? { total: null, count: 0 };
    const sum = tf.keep(total ? tf.add(total, seen) : tf.clone(seen));
    total?.dispose();
    this.means.set(variable, { total: sum, count: count + 1, weight });
  }

  apply(): void {
    for (const { update, seen } of this.pending) tf.tidy(() => update(...seen));
    for (const [variable, { total, count, weight }] of this.means) tf.tidy(() => parameterUpdates().lerp([variable], [count === 1 ? total : tf.div(total, count)], weight));
    this.drop();
  }

  drop(): void {
    for (const { seen } of this.pending) tf.dispose(seen);
    for (const { total } of this.means.values()) total.dispose();
    this.pending = [];
    this.means.clear();
  }
}

/** A model's parameters as TensorFlow.js variables. */
export class Parameters {
  readonly specs: readonly ParameterSpec[];
  /** Where a forward pass in training leaves what batch norms saw; null: nobody learns, and nothing changes. */
  statistics: RunningStatistics | null = null;
  private readonly variables = new Map<string, tf.Variable>();

  /** `seed` null: zeros, for values that are read from a checkpoint. */
  constructor(specs: ParameterSpec[], seed: number | null) {
    this.specs = specs;
    for (const spec of specs) {
      if (spec.aliasOf !== undefined) {
        this.variables.set(spec.name, this.get(spec.aliasOf));
        continue;
      }
      const source = spec.copyOf === undefined ? undefined : specs.find((s) => s.name === spec.copyOf);
      this.variables.set(spec.name, tf.tidy(() => tf.variable(tf.tensor(initialValues(source ?? spec, seed), spec.shape), spec.trainable)));
    }
  }

  /** Throws where the model has no such parameter: a mistake of ours. */
  get(name: string): tf.Variable {
    const variable = this.variables.get(name);
    if (!variable) throw new Error(`the model has no parameter ${name}`);
    return variable;
  }

  has(name: string): boolean {
    return this.variables.has(name);
  }

  /** Those the optimizer updates, in order. */
  get trainable(): { spec: ParameterSpec; variable: tf.Variable }[] {
    return this.specs.filter((spec) => spec.trainable && spec.aliasOf === undefined).map((spec) => ({ spec, variable: this.get(spec.name) }));
  }

  /** Replaces a parameter's values. Throws InputError where the shapes differ. */
  set(name: string, values: Float32Array, shape: readonly number[]): void {
    const variable = this.get(name);
    const size = shape.reduce((a, b) => a * b, 1);
    if (size !== variable.size) throw new InputError(`the checkpoint's ${name} has shape [${shape.join(', ')}], the model's [${variable.shape.join(', ')}]: the run file describes another model`);
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }

  /** Runs a forward pass that merely looks: what batch norms see in it is not learned. */
  unobserved<T>(forward: () => T): T {
    const { statistics } = this;
    this.statistics = null;
    try {
      return forward();
    } finally {
      this.statistics = statistics;
    }
  }

  dispose(): void {
    this.statistics?.drop();
    for (const variable of new Set(this.variables.values())) variable.dispose();
  }
}

/** A part of the parameters under a common prefix: what a layer is given. */
export class Scope {
  readonly parameters: Parameters;
  readonly prefix: string;

  constructor(parameters: Parameters, prefix = '') {
    this.parameters = parameters;
    this.prefix = prefix;
  }

  /** The part under `prefix.name`. */
  at(name: string): Scope {
    return new Scope(this.parameters, `${this.prefix}${name}.`);
  }

  get(name: string): tf.Variable {
    return this.parameters.get(this.prefix + name);
  }

  has(name: string): boolean {
    return this.parameters.has(this.prefix + name);
  }
}
