/** What a method computes: which parameters it has, and what one step does with the views that its recipe takes. */
import type * as tf from '@tensorflow/tfjs-core';
import type { RelativeGeometry } from '../augment/geometry.ts';
import type { Draw } from '../nn/dropPath.ts';
import type { ModelConfig } from '../nn/model.ts';
import type { Parameters, ParameterSpec } from '../nn/parameters.ts';
import type { Mixing } from './mixing.ts';

/** One view of a batch as the model takes it. */
export interface ViewTensors {
  /** Normalised patches [B, N, 3 P^2], each channel by channel and row by row. */
  patches: tf.Tensor;
  /** Positions of the patches that are not masked, [B, K] int32; null where nothing is masked, or images keep different numbers. */
  visible: tf.Tensor | null;
  /** 1 where a patch is masked, [B, N]; null where nothing is. */
  mask: tf.Tensor | null;
  /** Where the mask is 1, as rows of [B N], int32; null or left out where nothing is masked. */
  hidden?: tf.Tensor | null;
}

/** A view as the loader has it. */
export interface Picture {
  /** [B, size, size, 3] RGB bytes. */
  pixels: Uint8Array;
  size: number;
}

export interface MethodBatch {
  views: ViewTensors[];
  /** Where view 1 (b) lies to view 0 (a), for each sample; null for methods of one view. */
  geometry: RelativeGeometry[] | null;
  /** Classes of the images, [B]; -1 where an image has none. Null or left out: the images have none. */
  labels?: Int32Array | null;
  /** Views that the method reads as images and not as patches, by name. */
  pictures?: Readonly<Record<string, Picture>>;
  /** Codes of all patches, [B N], where a tokenizer of another code gave them. */
  codes?: Int32Array;
  /** How images are to be mixed, where that is not the method's to draw. */
  mixing?: Mixing;
}

/** What a step brings besides its images. */
export interface StepContext {
  /** What the recipe's schedules come to at this step. */
  rates: Readonly<Record<string, number>>;
  /** The step's random numbers. */
  draw: Draw;
  /** Also the terms that only a closer look is worth. */
  detailed: boolean;
}

export interface MethodOutput {
  /** The scalar that is minimised. */
  loss: tf.Tensor;
  /** Scalars for the record: terms of the loss, feature statistics. */
  metrics: Record<string, tf.Tensor>;
  /** Named results for parity and pictures: `pred`, `target`, ... */
  intermediates: Record<string, tf.Tensor>;
}

/** The trained branch, or its moving average. */
export type Branch = 'online' | 'target';

export interface Method<C> {
  name: string;
  /** Parameters by the names that the authors' checkpoints use, initialised as their code does. */
  specs(model: ModelConfig, options: C): ParameterSpec[];
  /** The target branch follows the online one: [target, source] names. */
  momentumPairs(model: ModelConfig, options: C): [target: string, source: string][];
  /** When it does: before the forward pass that uses it (the default), or after the optimizer's step. */
  momentumOrder?: 'before' | 'after';
  /** Whether a parameter's gradient is dropped at this step. */
  isFrozen?(name: string, rates: StepContext['rates']): boolean;
  /** Where the encoder's parameters are, by branch; left out: '' and 'mm_'; null: the method trains no Vision Transformer. */
  encoders?: Record<Branch, string> | null;
  /** Names of views that it reads as images, whole. */
  pictures?: readonly string[];
  /** Reads what the run file names beside the images, such as a tokenizer's weights, before the first step of a run that begins. Rejects with InputError. */
  prepare?(parameters: Parameters, model: ModelConfig, options: C): Promise<void>;
  /** Computes the loss; recorded by the tape. */
  forward(parameters: Parameters, model: ModelConfig, options: C, batch: MethodBatch, step: StepContext): MethodOutput;
  /** For looking inside, of a method whose encoder is no Vision Transformer and no ResNet: features of whole images' normalised patches [B, N, 3 P^2], one of each patch, [B, N, D]. */
  tokens?(parameters: Parameters, model: ModelConfig, options: C, patches: tf.Tensor): tf.Tensor;
  /** For looking inside, with running statistics: the encoder's tokens [B, 1 + N, D] after the projector. Left out where there is none. */
  project?(parameters: Parameters, model: ModelConfig, options: C, encoded: tf.Tensor, branch: Branch): tf.Tensor;
  /** For looking inside, with running statistics: the features that the method predicts for view b from view a, [B, N, D]; null under options that predict none. */
  predict?(parameters: Parameters, model: ModelConfig, options: C, batch: MethodBatch): tf.Tensor | null;
  /** For looking inside: the code of each patch of view 0, [B, N] int32, by the method's tokenizer. Left out where there is none. */
  codes?(parameters: Parameters, model: ModelConfig, options: C, batch: MethodBatch): tf.Tensor;
  /** For looking inside: what the method paints for every patch of view 0, of which it sees those without a mask (all, where it reads `pictures`), [B, N, P^2 3], in units of normalised pixels. Left out where it paints none. */
  reconstruct?(parameters: Parameters, model: ModelConfig, options: C, batch: MethodBatch): { painted: tf.Tensor; target: tf.Tensor; normalised: boolean };
  /** The classifier's logits of whole images' normalised patches [B, N, 3 P^2], without mixing or dropping: [B, classes]. Left out where the method has no classes. */
  classify?(parameters: Parameters, model: ModelConfig, options: C, patches: tf.Tensor, branch: Branch): tf.Tensor;
  /** How many codes there are. */
  codeCount?(this: void, options: C): number;
  /** For looking inside, with running statistics: how the branch that gives targets assigns view 0, seen whole, to prototypes, as logits [B, K]: their softmax is the target, at the temperature that the schedule ends with and before anything that takes a batch. Left out where there are none. */
  prototypes?(parameters: Parameters, model: ModelConfig, options: C, batch: MethodBatch): tf.Tensor;
  /** How many prototypes there are. */
  prototypeCount?(this: void, options: C): number;
}
