/** Views of equal size as one batch: an encoder's step over one large batch is faster than over several small ones. */
import * as tf from '@tensorflow/tfjs-core';
import type { ViewTensors } from './method.ts';

const concat = (tensors: (tf.Tensor | null)[]): tf.Tensor | null => (tensors.some((tensor) => tensor === null) ? null : tensors.length === 1 ? tensors[0]! : tf.concat(tensors as tf.Tensor[], 0));

/** The views one after the other along the batch: [views B, ...]. A mask that only some have is filled up with zeros. */
export function concatViews(views: readonly ViewTensors[]): ViewTensors {
  const isMasked = views.some(({ mask }) => mask !== null);
  return {
    patches: concat(views.map(({ patches }) => patches))!,
    visible: concat(views.map(({ visible }) => visible)),
    mask: isMasked ? concat(views.map(({ mask, patches }) => mask ?? tf.zeros([patches.shape[0], patches.shape[1]!]))) : null,
    hidden: joinHidden(views),
  };
}

/** Rows of each view's own [B N] as rows of all views'. */
function joinHidden(views: readonly ViewTensors[]): tf.Tensor | null {
  let from = 0;
  const parts = views.flatMap(({ hidden, patches }) => {
    const offset = from;
    from += patches.shape[0] * patches.shape[1]!;
    return hidden ? [tf.add(hidden, tf.scalar(offset, 'int32'))] : [];
  });
  return parts.length > 0 ? concat(parts) : null;
}

/** Consecutive views with as many patches each, as the official codes group them. */
export function groupViews(views: readonly ViewTensors[]): ViewTensors[][] {
  const groups: ViewTensors[][] = [];
  for (const view of views) {
    const last = groups.at(-1);
    if (last?.[0]!.patches.shape[1] === view.patches.shape[1]) last!.push(view);
    else groups.push([view]);
  }
  return groups;
}
