/** Updates of variables in place, on every engine. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parameterUpdates } from '../../backend/ops/updates.ts';
import { testEngines } from '../helpers/engines.ts';

for (const engine of await testEngines()) {
  describe(`${engine.name} ${engine.precision}`, () => {
    beforeAll(() => engine.open());
    afterAll(() => engine.close());

    test('columns become the rows that are put there, the others stay, and no tensor is left', async () => {
      const before = tf.memory().numTensors;
      const queue = tf.tidy(() => tf.variable(tf.tensor2d([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])));
      const places = tf.tensor1d([2, 0], 'int32'), keys = tf.tensor2d([[-1, -2, -3], [0.1, 0.2, 0.3]]);
      parameterUpdates().putColumns(queue, places, keys);
      const expected = Float32Array.of(0.1, 2, -1, 4, 0.2, 6, -2, 8, 0.3, 10, -3, 12);
      expect(Array.from(await queue.data())).toEqual(Array.from(expected));
      tf.dispose([queue, places, keys]);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}
