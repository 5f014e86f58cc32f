/** Every op and its gradient on every engine, against the slow reference and numeric differentiation of it; tensors counted. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { valueAndGradients } from '../../backend/ops/gradients.ts';
import { Random } from '../../backend/random.ts';
import { otherBf16, testEngines } from '../helpers/engines.ts';
import { opCases, type OpCase } from './cases.ts';

const sizeOf = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

function inputsOf(c: OpCase): Record<string, Float64Array> {
  const random = new Random(7, c.name.length);
  return Object.fromEntries(Object.entries(c.shapes).map(([name, shape]) => [name, Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(random.normal() + (name === 'scale' ? 1 : 0)))]));
}

/** Weights that turn the output into a scalar, so that a gradient has a value. */
const weightsFor = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => Math.fround(Math.sin(1 + 3 * i)));

/** d sum(weights * reference) / d input by central differences in double precision. */
function numericGradient(c: OpCase, inputs: Record<string, Float64Array>, name: string): Float64Array {
  const scalar = (): number => {
    const y = c.reference(inputs);
    return weightsFor(y.length).reduce((sum, w, i) => sum + w * y[i]!, 0);
  };
  const x = inputs[name]!;
  return x.map((v, i) => {
    const h = 1e-5;
    x[i] = v + h;
    const above = scalar();
    x[i] = v - h;
    const below = scalar();
    x[i] = v;
    return (above - below) / (2 * h);
  });
}

/** |actual - expected| relative to the norm of what is expected. */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0, norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  return Math.sqrt(difference / Math.max(norm, 1e-30));
}

for (const engine of [...(await testEngines()), ...(await otherBf16())]) {
  const tolerance = engine.precision === 'bf16' ? 2e-2 : 2e-5;
  describe(engine.title, () => {
    beforeAll(() => engine.open());
    afterAll(() => engine.close());

    test.each(opCases.map((c) => [c.name, c] as const))('%s', async (_, c) => {
      const inputs = inputsOf(c);
      const expected = c.reference(inputs);
      const before = tf.memory();
      const variables = Object.fromEntries(Object.entries(c.shapes).map(([name, shape]) => [name, tf.tidy(() => tf.variable(tf.tensor(Float32Array.from(inputs[name]!), shape)))]));
      const integers = Object.fromEntries(Object.entries(c.integers ?? {}).map(([name, { shape, values }]) => [name, tf.tensor(values, shape, 'int32')]));
      const { value, gradients } = valueAndGradients(() => {
        const y = c.run({ ...variables, ...integers });
        return { y, loss: tf.sum(tf.mul(y, tf.tensor(Float32Array.from(weightsFor(y.size)), y.shape))) };
      }, Object.values(variables));
      expect(relativeError(await value.y.data(), expected), 'output').toBeLessThan(tolerance);
      for (const [i, name] of Object.keys(variables).entries())
        expect(relativeError(await gradients[i]!.data(), numericGradient(c, inputs, name)), `gradient of ${name}`).toBeLessThan(tolerance * 5);
      tf.dispose([value, gradients as tf.Tensor[], variables, integers] as tf.TensorContainer);
      expect(tf.memory().numTensors, 'tensors left').toBe(before.numTensors);
      expect(tf.memory().numDataBuffers, 'buffers left').toBe(before.numDataBuffers);
    });
  });
}
