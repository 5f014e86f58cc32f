/** Both ways that the torch engine has to compute attention, whichever this machine's processor prefers, against the reference engine's. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { attention } from '../../backend/ops/attention.ts';
import { valueAndGradients } from '../../backend/ops/gradients.ts';
import { fusedAttention, fusedAttentionGradient } from '../../backend/engines/torch/kernels/fusedAttention.ts';
import { productAttention, productAttentionGradient } from '../../backend/engines/torch/kernels/productAttention.ts';
import type { TorchBackend } from '../../backend/engines/torch/backend.ts';
import { Random } from '../../backend/random.ts';
import { otherBf16, testEngines } from '../helpers/engines.ts';

const [batch, tokens, heads, size] = [3, 37, 2, 12], width = heads * size;
const random = new Random(3);
const values = (count: number): number[] => Array.from({ length: count }, () => random.normal());
const qkvValues = values(batch * tokens * 3 * width), dyValues = values(batch * tokens * width), biasValues = values(heads * tokens * tokens);
const greatestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);

const engines = await testEngines(['cpu', 'torch']);
const reference = engines.find(({ name }) => name === 'cpu');
const torches = [...engines.filter(({ name }) => name === 'torch'), ...(await otherBf16())];
const withAndWithout = torches.flatMap((torch) => [false, true].map((hasBias) => [torch.title, hasBias ? 'with' : 'without', torch, hasBias] as const));

test.skipIf(!reference || torches.length === 0).each(withAndWithout)('fused attention and products give the reference\'s values and gradients, and leave no tensor behind: %s, %s a bias', async (_, __, torch, hasBias) => {
  await reference!.open();
  const inputs = [tf.variable(tf.tensor(qkvValues, [batch, tokens, 3 * width])), ...(hasBias ? [tf.variable(tf.tensor(biasValues, [heads, tokens, tokens]))] : [])];
  const { value, gradients } = valueAndGradients(() => {
    const y = attention(inputs[0]!, heads, inputs[1]);
    return { loss: tf.sum(tf.mul(y, tf.tensor(dyValues, y.shape))), y };
  }, inputs);
  const expected = { y: await value.y.data(), gradients: await Promise.all(gradients.map((gradient) => gradient!.data())) };
  reference!.close();

  await torch.open();
  const [valueBound, gradientBound] = torch.precision === 'fp32' ? [2e-6, 1e-5] : [3e-2, 8e-2];
  const b = tf.backend() as TorchBackend;
  for (const [forward, backward] of [[fusedAttention, fusedAttentionGradient], [productAttention, productAttentionGradient]] as const) {
    const before = tf.memory().numTensors;
    const qkv = tf.tensor(qkvValues, [batch, tokens, 3 * width]), dy = tf.tensor(dyValues, [batch, tokens, width]), bias = hasBias ? tf.tensor(biasValues, [heads, tokens, tokens]) : null;
    const outputs = forward(b, { qkv, bias }, heads).map((info) => tf.engine().makeTensorFromTensorInfo(info));
    const actual = backward(b, { qkv, bias, dy, y: outputs[0]!, sums: outputs[1]! }, heads).map((info) => tf.engine().makeTensorFromTensorInfo(info));
    expect(greatestDifference(await outputs[0]!.data(), expected.y), forward.name).toBeLessThan(valueBound);
    expect(actual).toHaveLength(expected.gradients.length);
    for (const [i, gradient] of actual.entries()) expect(greatestDifference(await gradient.data(), expected.gradients[i]!), `${backward.name}, gradient ${i}`).toBeLessThan(gradientBound);
    tf.dispose([qkv, dy, outputs, actual]);
    bias?.dispose();
    expect(tf.memory().numTensors, forward.name).toBe(before);
  }
  torch.close();
});
