/** The last block computes what is read of it alone: against all of it, read afterwards. Values, gradients, and drop path, whose factors are an image's. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blocks, blocksSpecs, type BlockOptions, type Read } from '../../backend/nn/block.ts';
import { dropPath } from '../../backend/nn/dropPath.ts';
import { readClass, readRows, tokenRows } from '../../backend/nn/encoder.ts';
import { Parameters, Scope } from '../../backend/nn/parameters.ts';
import { valueAndGradients } from '../../backend/ops/gradients.ts';
import { Random } from '../../backend/random.ts';
import { testEngines } from '../helpers/engines.ts';

const [batch, patches, width, depth] = [3, 5, 8, 2];
const tokens = 1 + patches;

const layers: [what: string, options: BlockOptions][] = [
  ['layer norms', { width, heads: 2, norm: { kind: 'layer', eps: 1e-6 }, layerScale: 0.5 }],
  ['batch norms', { width, heads: 2, norm: { kind: 'batch', eps: 1e-5 }, layerScale: null }],
];
/** Patches 0 and 4 of image 0, 2 of image 2. */
const hidden = [0, 4, 12];
const reads: [what: string, read: () => Read, rows: number[]][] = [
  ['the class tokens', () => readClass, [0, 6, 12]],
  ['patches of some images', () => readRows(tokenRows(tf.tensor1d(hidden, 'int32'), patches)), [1, 5, 15]],
];

for (const engine of await testEngines()) {
  if (engine.precision !== 'fp32') continue;
  describe(engine.name, () => {
    beforeAll(() => engine.open());
    afterAll(() => engine.close());

    describe.each(layers)('%s', (_, options) => {
      test.each(reads)('%s', async (_, read, rows) => {
        const random = new Random(5);
        const normal = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
        const parameters = new Parameters(blocksSpecs('blocks', depth, options), 1);
        const x = tf.variable(tf.tensor(normal(batch * tokens * width), [batch, tokens, width]));
        const own = normal(rows.length * width), placed = new Float32Array(batch * tokens * width);
        rows.forEach((row, i) => placed.set(own.subarray(i * width, (i + 1) * width), row * width));
        // Some branches of some images are left out.
        const drop = dropPath(0.5, depth, (name, count) => Float32Array.from({ length: count }, (_, i) => (name.endsWith('mlp') === (i === 0) ? 0.1 : 0.9)))!;
        const variables = [x, ...parameters.trainable.map(({ variable }) => variable)];
        /** Values of what is read, the loss being their sum with weights, and all gradients. */
        const run = async (hooks: { read?: Read }): Promise<Float32Array[]> => {
          const { value, gradients } = valueAndGradients(() => {
            const y = blocks(new Scope(parameters).at('blocks'), x, depth, options, true, { drop, ...hooks });
            return { loss: tf.sum(tf.mul(y, tf.tensor(hooks.read ? own : placed, y.shape))), y };
          }, variables);
          const results = [value.y, ...gradients.map((gradient) => gradient!)];
          const values = await Promise.all(results.map(async (tensor) => Float32Array.from(await tensor.data())));
          tf.dispose([value.loss, ...results]);
          return values;
        };
        const [all, ...gradients] = await run({});
        const chosen = Float32Array.from(rows.flatMap((row) => [...all!.subarray(row * width, (row + 1) * width)]));
        const part = await run({ read: read() });
        expect(chosen.some((value) => Math.abs(value) > 0.1)).toBe(true);
        [chosen, ...gradients].forEach((expected, i) => {
          const scale = Math.max(1, ...expected.map(Math.abs));
          expect(part[i]!.length).toBe(expected.length);
          part[i]!.forEach((value, k) => expect(Math.abs(value - expected[k]!) / scale).toBeLessThan(2e-6));
        });
        parameters.dispose();
        x.dispose();
      });
    });
  });
}
