/** The soft cross entropy of every engine against its definition in double precision, with rows of very different size and targets that broadcast. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { valueAndGradients } from '../../backend/ops/gradients.ts';
import { softCrossEntropy } from '../../backend/ops/softCrossEntropy.ts';
import { Random } from '../../backend/random.ts';
import { testEngines } from '../helpers/engines.ts';

const [views, batch, classes, temperature] = [3, 4, 7, 0.1];
const random = new Random(7);
// Each row lies somewhere else: a shift that is not the row's own would leave nothing of the others.
const logits = Array.from({ length: views * batch }, (_, row) => Array.from({ length: classes }, () => random.normal() + 40 * row));
const targets = Array.from({ length: batch }, () => Array.from({ length: classes }, () => random.uniform()));

function definition(row: number): { loss: number; gradient: number[] } {
  const scaled = logits[row]!.map((x) => Math.fround(x) / temperature), target = targets[row % batch]!;
  const greatest = Math.max(...scaled);
  const logSum = greatest + Math.log(scaled.reduce((sum, x) => sum + Math.exp(x - greatest), 0));
  const total = target.reduce((a, b) => a + b, 0);
  return { loss: target.reduce((sum, t, i) => sum - t * (scaled[i]! - logSum), 0), gradient: target.map((t, i) => (Math.exp(scaled[i]! - logSum) * total - t) / temperature) };
}

for (const engine of await testEngines()) {
  if (engine.precision !== 'fp32') continue;
  describe(engine.name, () => {
    beforeAll(() => engine.open());
    afterAll(() => engine.close());

    test('value and gradient', async () => {
      const x = tf.variable(tf.tensor(logits.flat(), [views, batch, classes])), t = tf.tensor(targets.flat(), [1, batch, classes]);
      const { value, gradients } = valueAndGradients(() => {
        const rows = softCrossEntropy(x, t, temperature);
        return { loss: tf.sum(rows), rows };
      }, [x]);
      const [rows, gradient] = [await value.rows.data(), await gradients[0]!.data()];
      logits.forEach((_, row) => {
        const expected = definition(row);
        expect(Math.abs(rows[row]! - expected.loss)).toBeLessThan(1e-3 * Math.max(1, expected.loss));
        expected.gradient.forEach((g, i) => expect(Math.abs(gradient[row * classes + i]! - g)).toBeLessThan(2e-2));
      });
      tf.dispose([x, t, value.loss, value.rows, ...gradients.filter((g) => g !== null)]);
    });
  });
}
