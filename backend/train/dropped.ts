/** What a method itself drops of a sample's views, at the step that sees it. Free of TensorFlow.js, so that it can be shown before there is a tensor. */
import { expandViews, gridOf, type ViewPlan, type ViewSpec } from '../augment/plan.ts';
import { recipeOf, type MethodConfig } from '../methods/recipes.ts';
import { drawOf } from './stepDraw.ts';

/** A step's micro-batch: `step` counts the optimizer's steps before it. */
export interface StepPlace {
  seed: number;
  step: number;
  micro: number;
}

/** The views that the model itself sees, one by one: one that shows another's picture to a tokenizer comes after them, and has no patches. */
export const seenViews = (plan: ViewPlan): ViewSpec[] => expandViews(plan).filter(({ sameAs }) => sameAs === undefined);

/** For each of the seen views a mask of its patches, 1 is dropped, or null where none is. */
export function droppedAt(plan: ViewPlan, method: MethodConfig, { seed, step, micro }: StepPlace): (Uint8Array | null)[] {
  const views = seenViews(plan);
  return recipeOf(method).dropped?.(method, views.map((view) => gridOf(view, plan.patchSize) ** 2), drawOf(seed, step, micro)) ?? views.map(() => null);
}
