/**
 * How an op of ours is defined: a TensorFlow.js kernel with a composition of TensorFlow.js's own kernels as its meaning, and its
 * gradient. An engine that has something faster registers its own kernel under the same name; every other engine runs the composition.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';

export type Tensors = Record<string, tf.Tensor>;
export type Attributes = Record<string, unknown>;

export interface OpDefinition<A extends object> {
  name: string;
  /** The op's meaning, from TensorFlow.js's kernels; runs off the tape. */
  composition: (inputs: Tensors, attrs: A) => tf.Tensor | tf.Tensor[];
  /** What the gradient needs: inputs by name, outputs by position. */
  saves?: { inputs?: string[]; outputs?: boolean[] };
  /** For each differentiable input the gradient with respect to it; `dy` is a list where the op has several outputs. */
  gradient?: (dy: tf.Tensor | tf.Tensor[], saved: tf.Tensor[], attrs: A) => Record<string, () => tf.Tensor>;
}

/** Engines that run the composition; a native kernel, registered when its engine opens, replaces it. */
const backends = ['torch', 'tensorflow', 'wasm', 'cpu'];

/** Registers the op on every engine and returns the function that runs it. */
export function defineOp<A extends object = Record<string, never>>(definition: OpDefinition<A>): (inputs: Tensors, attrs: A) => tf.Tensor | tf.Tensor[] {
  const { name, composition, saves, gradient } = definition;
  for (const backendName of backends) {
    if (tf.getKernel(name, backendName)) continue;
    tf.registerKernel({
      kernelName: name,
      backendName,
      kernelFunc: ({ inputs, attrs }) => tf.tidy(() => composition(inputs as Tensors, attrs as A)),
    });
  }
  if (gradient)
    tf.registerGradient({
      kernelName: name,
      inputsToSave: saves?.inputs ?? [],
      outputsToSave: saves?.outputs ?? [],
      gradFunc: (dy, saved, attrs) => gradient(dy, saved, attrs as unknown as A),
    });
  return (inputs, attrs) => {
    const present = Object.fromEntries(Object.entries(inputs).filter(([, t]) => t != null));
    return tf.engine().runKernel(name, present, attrs as never);
  };
}

/** The single tensor of an op with one output. */
export const one = (result: tf.Tensor | tf.Tensor[]): tf.Tensor => (Array.isArray(result) ? result[0]! : result);
/** The tensors of an op with several outputs. */
export const many = (result: tf.Tensor | tf.Tensor[]): tf.Tensor[] => (Array.isArray(result) ? result : [result]);
