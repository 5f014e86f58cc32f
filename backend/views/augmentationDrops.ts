/** Patches that the method itself drops of a sample in the augmentation lab, as the step drops them that sees the sample. */
import type { ViewPlan } from '../augment/plan.ts';
import { SampleOrder } from '../data/order.ts';
import { methodSchema, recipeOf } from '../methods/recipes.ts';
import type { LabHidden, LabTraining } from '../protocol.ts';
import { droppedAt } from '../train/dropped.ts';

export interface DrawnSample {
  seed: number;
  epoch: number;
  index: number;
}

/** For each expanded view a mask, 1 is dropped, or null. */
export type Drops = (Uint8Array | null)[];

/** What of a view the model does not see. */
export const hiddenOf = (mask: Uint8Array | null, dropped: Uint8Array | null | undefined): { mask: Uint8Array | null; hidden: LabHidden } => (mask ? { mask, hidden: 'mask' } : dropped ? { mask: dropped, hidden: 'dropped' } : { mask: null, hidden: null });

/** The last order asked for: its permutation is of the whole data set. */
let kept: { name: string; order: SampleOrder } | null = null;

function orderOf(images: number, { batchSize, repeats }: LabTraining, seed: number): SampleOrder {
  const name = [images, batchSize, repeats, seed].join(' ');
  if (kept?.name !== name) kept = { name, order: new SampleOrder(images, batchSize, seed, repeats) };
  return kept.order;
}

/** What is dropped of a sample's views by its place in training: of `images` images, or, where they are 1 (an image by itself), in a step of its own each epoch. Throws InputError for a method that there is not. */
export function dropsOf(plan: ViewPlan, training: LabTraining, images: number): (sample: DrawnSample) => Drops {
  const at = dropsAt(plan, training);
  return ({ seed, epoch, index }) => {
    // The last batch of an epoch is cut off: what it would have had is shown as the epoch's last step has it.
    const stepOf = (): number => {
      const order = orderOf(images, training, seed);
      return order.stepOf({ index, epoch }) ?? (Math.floor(epoch / training.repeats) + 1) * order.stepsPerEpoch - 1;
    };
    return at(seed, images === 1 ? () => epoch : stepOf);
  };
}

/** What is dropped at a batch of training, which is asked for only where the method drops any. */
export function dropsAt(plan: ViewPlan, { method, accumulate }: LabTraining): (seed: number, batch: () => number) => Drops {
  const config = methodSchema.parse(method);
  return (seed, batch) => {
    if (!recipeOf(config).dropped) return [];
    const at = batch();
    return droppedAt(plan, config, { seed, step: Math.floor(at / accumulate), micro: at % accumulate });
  };
}
