/** What of a model can be looked at: one list, from what its method offers and what its checkpoint holds, so that no view needs to know a method. */
import { gridOf, type ViewPlan } from '../augment/plan.ts';
import { recipeOf } from '../methods/recipes.ts';
import { methodOf } from '../methods/registry.ts';
import { modelDimensions } from '../nn/model.ts';
import type { Look, LookedView } from '../protocol.ts';
import { viewPlanOf, type RunConfig } from '../train/config.ts';
import { droppedAt, seenViews } from '../train/dropped.ts';
import type { FeatureModel } from './features.ts';

/** Files of other code may hold the encoders alone. */
function isWhole({ model, method, parameters }: FeatureModel): boolean {
  return methodOf(method).specs(model, method).every(({ name }) => parameters.has(name));
}

export function looksOf(m: FeatureModel): Look[] {
  const { method, model } = m, looked = methodOf(method);
  const dimensions = modelDimensions(model), depth = looked.tokens ? 0 : dimensions.depth;
  const whole = isWhole(m);
  return [
    { kind: 'features', blocks: depth, layers: [...Array.from({ length: depth }, (_, i) => `block:${i}`), 'encoder', ...(looked.project ? ['projector'] : []), ...(looked.predict ? ['prediction'] : [])] },
    ...(dimensions.kind === 'transformer' && !looked.tokens ? [{ kind: 'attention' as const, blocks: depth, heads: dimensions.heads }] : []),
    ...(looked.codes && looked.codeCount && whole ? [{ kind: 'codes' as const, count: looked.codeCount(method) }] : []),
    ...(looked.prototypes && looked.prototypeCount && whole ? [{ kind: 'prototypes' as const, count: looked.prototypeCount(method) }] : []),
    ...(looked.reconstruct && whole ? [{ kind: 'reconstruction' as const }] : []),
  ];
}

/** The views that training takes of a sample: the run's own, or else the recipe's. */
export const trainingPlan = ({ model, method, config }: Pick<FeatureModel, 'model' | 'method'> & { config: RunConfig | null }): ViewPlan => (config ? viewPlanOf(config) : recipeOf(method).views(model, method));

/** The views of a sample one by one, and what hides patches of each. */
export function lookedViews(plan: ViewPlan, method: FeatureModel['method']): LookedView[] {
  const dropped = droppedAt(plan, method, { seed: 0, step: 0, micro: 0 });
  return seenViews(plan).map((view, i) => ({ name: view.name, imageSize: view.size, grid: gridOf(view, plan.patchSize), hidden: view.mask !== null && view.mask.kind !== 'none' ? 'mask' : dropped[i] ? 'dropped' : null }));
}
