/** A linear classifier on frozen features, by the engine: what the linear protocols train. */
import * as tf from '@tensorflow/tfjs-core';
import { createOptimizer } from '../../optim/create.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import { optimizerSchema } from '../../optim/schema.ts';
import { initialValues, type ParameterSpec } from '../../nn/parameters.ts';
import { ranked } from './classification.ts';

export interface HeadOptions {
  dimension: number;
  classes: number;
  /** Features are normalised by a batch norm without parameters before the classifier. */
  batchNorm: boolean;
  optimizer: 'lars' | 'sgd';
  seed: number;
}

const momentum = 0.9, batchNormEps = 1e-6, statisticsMomentum = 0.1, initialStd = 0.01;

export class LinearHead {
  readonly weight: tf.Variable;
  readonly bias: tf.Variable;
  private readonly mean: tf.Variable;
  private readonly variance: tf.Variable;
  private readonly options: HeadOptions;
  private readonly optimizer: Optimizer;

  constructor(options: HeadOptions) {
    const { dimension, classes, optimizer, seed } = options;
    this.options = options;
    const weight: ParameterSpec = { name: 'head.weight', shape: [classes, dimension], initializer: { kind: 'normal', std: initialStd }, trainable: true };
    const bias: ParameterSpec = { name: 'head.bias', shape: [classes], initializer: { kind: 'zeros' }, trainable: true };
    const variable = (values: Float32Array, shape: number[]): tf.Variable => tf.tidy(() => tf.variable(tf.tensor(values, shape)));
    this.weight = variable(initialValues(weight, seed), weight.shape);
    this.bias = variable(new Float32Array(classes), bias.shape);
    this.mean = variable(new Float32Array(dimension), [dimension]);
    this.variance = variable(new Float32Array(dimension).fill(1), [dimension]);
    this.optimizer = createOptimizer([{ spec: weight, variable: this.weight }, { spec: bias, variable: this.bias }], optimizerSchema.parse({ name: optimizer, momentum, weightDecay: 0, clipNorm: null }));
  }

  /** A step on features [batch, dimension] with their classes; resolves with the mean cross entropy before it. */
  async step(features: Float32Array, labels: Int32Array, learningRate: number): Promise<number> {
    const { dimension, classes, batchNorm } = this.options, batch = labels.length;
    const { loss, slope, offset } = tf.tidy(() => {
      const raw = tf.tensor2d(features, [batch, dimension]);
      const x = batchNorm ? this.normalised(raw) : raw;
      const logits = tf.add(tf.matMul(x, this.weight, false, true), this.bias);
      const truth = tf.oneHot(tf.tensor1d(labels, 'int32'), classes);
      const shifted = tf.sub(logits, tf.max(logits, 1, true));
      const total = tf.sum(tf.exp(shifted), 1, true);
      const mean = tf.mean(tf.sub(tf.log(tf.reshape(total, [batch])), tf.sum(tf.mul(shifted, truth), 1)));
      const difference = tf.div(tf.sub(tf.div(tf.exp(shifted), total), truth), batch);
      return { loss: mean, slope: tf.matMul(difference, x, true, false), offset: tf.sum(difference, 0) };
    });
    this.optimizer.step([slope, offset], { learningRate, weightDecay: 0 }, [1, 1]);
    const value = (await loss.data<'float32'>())[0]!;
    tf.dispose([loss, slope, offset]);
    return value;
  }

  /** Normalises by the batch's own statistics, and lets the running ones follow. */
  private normalised(x: tf.Tensor): tf.Tensor {
    const mean = tf.mean(x, 0), centred = tf.sub(x, mean);
    const variance = tf.mean(tf.square(centred), 0);
    const batch = x.shape[0];
    const follow = (running: tf.Variable, now: tf.Tensor): void => running.assign(tf.add(tf.mul(running, 1 - statisticsMomentum), tf.mul(now, statisticsMomentum)));
    follow(this.mean, mean);
    // PyTorch's running variance is the unbiased one.
    follow(this.variance, batch > 1 ? tf.mul(variance, batch / (batch - 1)) : variance);
    return tf.div(centred, tf.sqrt(tf.add(variance, batchNormEps)));
  }

  /** The classes of each row of features [count, dimension], likeliest first: five, or all. */
  async rankings(features: Float32Array): Promise<number[][]> {
    const { dimension, classes, batchNorm } = this.options;
    const logits = tf.tidy(() => {
      const raw: tf.Tensor = tf.tensor2d(features, [features.length / dimension, dimension]);
      const x = batchNorm ? tf.div(tf.sub(raw, this.mean), tf.sqrt(tf.add(this.variance, batchNormEps))) : raw;
      return tf.add(tf.matMul(x, this.weight, false, true), this.bias);
    });
    const scores = await logits.data<'float32'>();
    logits.dispose();
    return ranked(scores, classes);
  }

  dispose(): void {
    this.optimizer.dispose();
    tf.dispose([this.weight, this.bias, this.mean, this.variance]);
  }
}
