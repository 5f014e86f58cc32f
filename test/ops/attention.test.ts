/** Both ways that the torch engine has to compute attention, whichever this machine's processor prefers, against the reference engine's. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { attention } from '../../backend/ops/attention.ts';
import { valueAndGradients } from '../../backend/ops/gradients.ts';
import { fusedAttention, fusedAttentionGradient } from '../../backend/engines/torch/kernels/fusedAttention.ts';
import { productAttention, productAttentionGradient } from '../../backend/engines/torch/kernels/productAttention.ts';
import type { TorchBackend } from '../../backend/engines/torch/backend.ts';
import { Random } from '../../backend/random.ts';
import { testEngines } from '../helpers/engines.ts';

const [batch, tokens, heads, size] = [3, 37, 2, 12], width = heads * size;
const random = new Random(3);
const values = (count: number): number[] => Array.from({ length: count }, () => random.normal());
const qkvValues = values(batch * tokens * 3 * width), dyValues = values(batch * tokens * width);
const greatestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);

const engines = await testEngines(['cpu', 'torch']);
const reference = engines.find(({ name }) => name === 'cpu'), torch = engines.find(({ name, precision }) => name === 'torch' && precision === 'fp32');

test.skipIf(!reference || !torch)('fused attention and products give the reference\'s values and gradients, and leave no tensor behind', async () => {
  await reference!.open();
  const variable = tf.variable(tf.tensor(qkvValues, [batch, tokens, 3 * width]));
  const { value, gradients } = valueAndGradients(() => {
    const y = attention(variable, heads);
    return { loss: tf.sum(tf.mul(y, tf.tensor(dyValues, y.shape))), y };
  }, [variable]);
  const expected = { y: await value.y.data(), dqkv: await gradients[0]!.data() };
  reference!.close();

  await torch!.open();
  const b = tf.backend() as TorchBackend;
  for (const [forward, backward] of [[fusedAttention, fusedAttentionGradient], [productAttention, productAttentionGradient]] as const) {
    const before = tf.memory().numTensors;
    const qkv = tf.tensor(qkvValues, [batch, tokens, 3 * width]), dy = tf.tensor(dyValues, [batch, tokens, width]);
    const outputs = forward(b, qkv, heads).map((info) => tf.engine().makeTensorFromTensorInfo(info));
    const dqkv = tf.engine().makeTensorFromTensorInfo(backward(b, { qkv, dy, y: outputs[0]!, sums: outputs[1]! }, heads));
    expect(greatestDifference(await outputs[0]!.data(), expected.y), forward.name).toBeLessThan(2e-6);
    expect(greatestDifference(await dqkv.data(), expected.dqkv), backward.name).toBeLessThan(1e-5);
    tf.dispose([qkv, dy, outputs, dqkv]);
    expect(tf.memory().numTensors, forward.name).toBe(before);
  }
  torch!.close();
});
