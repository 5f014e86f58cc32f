/** The random numbers of a step besides those of its samples. Free of TensorFlow.js, so that they can be replayed for pictures. */
import type { Draw } from '../nn/dropPath.ts';
import { Random } from '../random.ts';

/** Of steps, told apart from every other use of the run's seed. */
const stepStream = 0x73746570;

/** The random numbers of a step's micro-batch: they follow from the run's seed, so that a resumed run draws the same. */
export const drawOf = (seed: number, step: number, micro: number): Draw => (name, count) => {
  const random = new Random(seed, stepStream, step, micro, ...Buffer.from(name));
  // Filled one by one: `Float32Array.from` would take ten times as long, and a tokenizer draws millions.
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = random.uniform() * (1 - 2 ** -24);
  return values;
};
