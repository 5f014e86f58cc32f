/** UniGrad of unit vectors against its definition in double precision, by itself with its numeric gradient and as MoCo-v3's loss. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unitUniGrad } from '../../backend/methods/unigrad.ts';
import { l2Normalize } from '../../backend/ops/l2Normalize.ts';
import { valueAndGradients } from '../../backend/ops/gradients.ts';
import { Random } from '../../backend/random.ts';
import { methodBatch, Learner } from '../../backend/train/learner.ts';
import { randomBatch } from '../../backend/train/benchStep.ts';
import { completeRun } from '../../backend/train/runFile.ts';
import { testEngines } from '../helpers/engines.ts';

const rowsOf = (values: ArrayLike<number>, width: number): number[][] => Array.from({ length: values.length / width }, (_, row) => Array.from({ length: width }, (_, i) => values[row * width + i]!));
const unit = (row: number[]): number[] => row.map((v) => v / Math.sqrt(row.reduce((sum, w) => sum + w * w, 0)));
const dot = (a: number[], b: number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** mean -y z + lambda / 2 mean y^T E[z z^T] y, y and z of unit length: the second term is the mean of (y . z')^2 over all pairs. */
function definition(predictions: number[][], targets: number[][], lambda: number): number {
  const [y, z] = [predictions.map(unit), targets.map(unit)];
  const n = y.length;
  const own = y.reduce((sum, row, i) => sum + dot(row, z[i]!), 0) / n;
  const all = y.reduce((sum, row) => sum + z.reduce((inner, other) => inner + dot(row, other) ** 2, 0) / n, 0) / n;
  return -own + (lambda / 2) * all;
}

for (const engine of await testEngines()) {
  if (engine.precision !== 'fp32') continue;
  describe(engine.name, () => {
    beforeAll(() => engine.open());
    afterAll(() => engine.close());

    test('value and gradient', async () => {
      const [count, width, lambda] = [6, 5, 0.7];
      const random = new Random(11);
      const draw = (): Float32Array => Float32Array.from({ length: count * width }, () => random.normal());
      const [x, z] = [draw(), draw()];
      const variable = tf.variable(tf.tensor2d(x, [count, width]));
      const targets = l2Normalize(tf.tensor2d(z, [count, width])) as tf.Tensor2D;
      const { value, gradients } = valueAndGradients(() => ({ loss: unitUniGrad(l2Normalize(variable) as tf.Tensor2D, targets, lambda).loss }), [variable]);
      const loss = (at: number, by: number): number => definition(rowsOf(Float64Array.from(x, (v, i) => (i === at ? v + by : v)), width), rowsOf(z, width), lambda);
      expect((await value.loss.data())[0]!).toBeCloseTo(loss(-1, 0), 5);
      const gradient = await gradients[0]!.data();
      const h = 1e-5;
      x.forEach((_, i) => expect(Math.abs(gradient[i]! - (loss(i, h) - loss(i, -h)) / (2 * h))).toBeLessThan(1e-5));
      tf.dispose([variable, targets, value.loss, gradients[0]!]);
    });

    test('as MoCo-v3\'s loss: both directions, of the queries and keys that the step has', async () => {
      const lambda = 0.5;
      const config = completeRun({ preset: 'mocov3-mask-tiny', name: 'unigrad', data: { train: '.' }, model: { imageSize: 16, patchSize: 4, width: 16, heads: 2, depth: 1 }, method: { name: 'mocov3', hiddenWidth: 32, outputWidth: 16, lambda } }, { folder: '' });
      expect(config.method).toMatchObject({ loss: 'unigrad', mask: 'random' });
      const learner = Learner.create(config);
      const batch = randomBatch(config.model, config.method, 6, 1);
      let expected = NaN;
      const { loss } = await learner.stepOn([() => methodBatch(batch, config.model)], { learningRate: 1e-3, weightDecay: 0, momentum: 0.99 }, async ({ intermediates }) => {
        const read = async (name: string): Promise<number[][]> => rowsOf(await intermediates[name]!.data(), 16);
        expected = definition(await read('q1'), await read('k2'), lambda) + definition(await read('q2'), await read('k1'), lambda);
      });
      learner.dispose();
      expect(loss).toBeCloseTo(expected, 4);
    });
  });
}
