/** Updates of parameters: the engine's own, in place, or the same as a composition of TensorFlow.js's kernels. */
import * as tf from '@tensorflow/tfjs-core';
import type { AdamWGroup, AdamWRates, ParameterUpdates } from '../engines/engine.ts';

const composed: ParameterUpdates = {
  adamw(group: AdamWGroup, step: number, { learningRate, beta1, beta2, eps, weightDecay, gradientScale }: AdamWRates): void {
    const variables = (infos: tf.TensorInfo[]): tf.Variable[] => infos as tf.Variable[];
    const correction1 = 1 - beta1 ** step, correction2 = Math.sqrt(1 - beta2 ** step);
    const [parameters, first, second] = [variables(group.parameters), variables(group.firstMoments), variables(group.secondMoments)];
    parameters.forEach((p, i) =>
      tf.tidy(() => {
        const g = tf.mul(group.gradients[i] as tf.Tensor, gradientScale);
        const m = first[i]!, v = second[i]!;
        m.assign(tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)));
        v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2)));
        const step = tf.div(tf.mul(m, learningRate / correction1), tf.add(tf.div(tf.sqrt(v), correction2), eps));
        p.assign(tf.sub(tf.mul(p, 1 - learningRate * weightDecay), step));
      }),
    );
  },
  lerp(targets: tf.TensorInfo[], sources: tf.TensorInfo[], weight: number): void {
    targets.forEach((target, i) => tf.tidy(() => (target as tf.Variable).assign(tf.add(target as tf.Tensor, tf.mul(tf.sub(sources[i] as tf.Tensor, target as tf.Tensor), weight)))));
  },
  putColumns(target: tf.TensorInfo, places: tf.TensorInfo, values: tf.TensorInfo): void {
    const [rows, columns] = target.shape as [number, number], variable = target as tf.Variable;
    tf.tidy(() => {
      const at = tf.cast(tf.equal(tf.reshape(tf.range(0, columns, 1, 'int32'), [1, columns]), tf.reshape(places as tf.Tensor, [-1, 1])), 'float32');
      const kept = tf.mul(variable, tf.sub(1, tf.sum(at, 0, true)));
      variable.assign(tf.add(kept, tf.reshape(tf.matMul(values as tf.Tensor2D, at as tf.Tensor2D, true, false), [rows, columns])));
    });
  },
  norms: (tensors: tf.TensorInfo[]): number[] => tensors.map((t) => Math.sqrt(tf.tidy(() => tf.sum(tf.square(t as tf.Tensor)).dataSync()[0]!))),
};

/** The current engine's way of updating parameters. */
export const parameterUpdates = (): ParameterUpdates => (tf.backend() as { updates?: ParameterUpdates }).updates ?? composed;
