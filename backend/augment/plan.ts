/** What views a sample gets, as data: the crop, the ops and the mask of each, checked once where a run file is read. */
import { z } from 'zod';
import { choice } from '../choice.ts';
import { InputError } from '../errors.ts';
import { opSchema } from './ops/registry.ts';

export { opSchema, type OpSpec } from './ops/registry.ts';

const count = z.int().min(0).describe('Masked patches, exactly.');

export const maskSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none').describe('Nothing is masked.') }),
  z.strictObject({ kind: z.literal('random').describe('Single patches, drawn evenly.'), count }),
  z.strictObject({
    kind: z.literal('block').describe('Rectangles of patches, until the count is reached exactly.'),
    count,
    minBlock: z.int().positive().default(16).describe('Fewest patches of a block.'),
    aspect: z.tuple([z.number().positive(), z.number().positive()]).default([0.3, 1 / 0.3]).describe('Least and greatest height / width of a block; drawn evenly in its logarithm.'),
  }),
  z.strictObject({
    kind: z.literal('varied').describe('Another number of patches in each image, as iBOT has it: only for methods that put a token in the place of masked patches.'),
    shape: choice({ block: 'Rectangles, as long as they fit into the share.', random: 'Single patches, drawn evenly.' }).default('block').describe('What is masked.'),
    shares: z.array(z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)])).min(1).describe('Each image draws one of these ranges, and from it the share of its patches that is masked.'),
    minBlock: z.int().positive().default(16).describe('Fewest patches of a block.'),
    aspect: z.tuple([z.number().positive(), z.number().positive()]).default([0.3, 1 / 0.3]).describe('Least and greatest height / width of a block; drawn evenly in its logarithm.'),
  }),
]);

export const cropSchema = z.strictObject({
  scale: z.tuple([z.number().positive().max(1), z.number().positive().max(1)]).describe('Least and greatest area of the crop, as a share of the image.'),
  ratio: z.tuple([z.number().positive(), z.number().positive()]).describe('Least and greatest width / height of the crop; drawn evenly in its logarithm.'),
  interpolation: choice({ bicubic: 'Sharper; the papers\' choice.', bilinear: 'Softer, a little faster.', lanczos: 'Sharpest; what BEiT shows its tokenizer.' }).describe('How the crop is resized, antialiased.'),
});

export const viewSchema = z.strictObject({
  name: z.string().min(1).describe('The name that the method knows this view by.'),
  size: z.int().positive().max(2048).describe('Side of the view, in pixels.'),
  crop: cropSchema.describe('Which part of the image the view shows.'),
  ops: z.array(opSchema).describe('In this order; a flip comes before the crop wherever it is listed.'),
  sameAs: z.string().min(1).optional().describe('An earlier view: this one shows the same crop with the same flip and the same colours, at a size and by an interpolation of its own; its area, aspect, ops and mask are not used, and ops is [].'),
  mask: maskSchema.nullable().describe('Which patches the method may not see; null: it sees all, and so it must be for a method or a view that is not masked.'),
  count: z.int().positive().max(64).optional().describe('How many such views a sample gets, named name0, name1, ...; default: one, with the plain name.'),
});

export const viewPlanSchema = z.strictObject({
  views: z.array(viewSchema).min(1),
  patchSize: z.int().positive().max(256),
  sameCrop: z.boolean().optional().describe('All views share one crop and flip, drawn by the first view\'s settings.'),
});

export type MaskSpec = z.infer<typeof maskSchema>;
export type CropSpec = z.infer<typeof cropSchema>;
export type ViewSpec = z.infer<typeof viewSchema>;
export type ViewPlan = z.infer<typeof viewPlanSchema>;

/** The view whose draws a view shows: its own place, or the place of the one that it is the same as. `views` are the expanded ones. */
export function drawnBy(views: readonly ViewSpec[], position: number): number {
  const { sameAs } = views[position]!;
  return sameAs === undefined ? position : views.findIndex(({ name }) => name === sameAs);
}

/** The view whose crop and flip a view has. */
export const cropOwner = (plan: ViewPlan, views: readonly ViewSpec[], position: number): number => (plan.sameCrop ? 0 : drawnBy(views, position));

/** The plan's views one by one: a view of count n becomes n views. */
export function expandViews(plan: ViewPlan): ViewSpec[] {
  return plan.views.flatMap(({ count, ...view }) => (count === undefined ? [view] : Array.from({ length: count }, (_, i) => ({ ...view, name: `${view.name}${i}` }))));
}

/** Patches on a side of a view as they are shown, whole or not: a view that is the same as another has its patches, at another size. */
export const shownGrid = ({ patchSize }: ViewPlan, views: readonly ViewSpec[], position: number): number => Math.floor(views[drawnBy(views, position)]!.size / patchSize);

/** Patches on a side of a view. Throws InputError where the patch does not divide the view. */
export function gridOf(view: ViewSpec, patchSize: number): number {
  if (view.size % patchSize !== 0) throw new InputError(`view ${view.name} is ${view.size} pixels wide, which ${patchSize}-pixel patches do not divide: choose ${Math.max(1, Math.round(view.size / patchSize)) * patchSize}`);
  return view.size / patchSize;
}

/** A view that shows another one's draws has none of its own. Throws InputError. */
function checkFollower({ name, sameAs, ops, mask }: ViewSpec, earlier: readonly ViewSpec[]): void {
  const drawn = earlier.filter((view) => view.sameAs === undefined).map((view) => view.name);
  if (!drawn.includes(sameAs!)) throw new InputError(`view ${name} is the same as ${sameAs}, which is no earlier view with draws of its own${drawn.length > 0 ? `: choose ${drawn.join(' or ')}` : ''}`);
  if (ops.length > 0) throw new InputError(`view ${name} is the same as ${sameAs}, and has ops of its own: make its ops []`);
  if (mask !== null && mask.kind !== 'none') throw new InputError(`view ${name} is the same as ${sameAs}, and has a mask of its own: make its mask null`);
}

/** Checks what a schema cannot: names that clash, masks larger than the view. Throws InputError. */
export function checkPlan(plan: ViewPlan): void {
  const views = expandViews(plan);
  const names = new Set<string>();
  for (const view of views) {
    if (names.has(view.name)) throw new InputError(`two views are named ${view.name}: give each its own name`);
    if (view.sameAs !== undefined) checkFollower(view, views.slice(0, names.size));
    names.add(view.name);
    for (const [what, [low, high]] of [['scale', view.crop.scale], ['ratio', view.crop.ratio]] as const)
      if (low > high) throw new InputError(`view ${view.name}: crop.${what} [${low}, ${high}] is upside down: put the smaller number first`);
    if (view.mask === null || view.mask.kind === 'none') continue;
    const patches = gridOf(view, plan.patchSize) ** 2;
    if (view.mask.kind !== 'varied' && view.mask.count > patches) throw new InputError(`view ${view.name} has ${patches} patches, fewer than the ${view.mask.count} to be masked`);
  }
}
