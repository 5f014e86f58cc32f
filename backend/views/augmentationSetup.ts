/** What the augmentation lab begins with: the pipeline of a run file's text, and what its ops can be set to, from their own schema. */
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { opSchema, viewPlanSchema, checkPlan, expandViews, type OpSpec, type ViewPlan } from '../augment/plan.ts';
import { openDataset, type Dataset } from '../data/dataset.ts';
import { imageDataset } from '../data/image.ts';
import { InputError } from '../errors.ts';
import { methodSchema, recipeOf, type MethodConfig } from '../methods/recipes.ts';
import { isResidual, modelDimensions, modelSchema, type ModelConfig } from '../nn/model.ts';
import type { LabCell, LabMaskUse, LabOp, LabPlan, LabSetting, LabSetup, LabSource, LabTraining, LabValue, LabView } from '../protocol.ts';
import { viewPlanOf, type RunConfig } from '../train/config.ts';
import { droppedAt } from '../train/dropped.ts';
import { parseJson } from '../train/json.ts';
import { completeRun } from '../train/runFile.ts';

export interface RunFileText {
  path: string;
  text: string;
}

/** The complete configuration of a run file as it is being written. Throws InputError. */
function configOf({ path, text }: RunFileText): RunConfig {
  const { value, place } = parseJson(text, basename(path));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new InputError(`${basename(path)}: a run file is an object {...}`);
  return completeRun(value as Record<string, unknown>, { folder: dirname(path), place });
}

/** SiameseIM's tokens that the relative embedding is added to; null where there is none. */
function positionWidth(method: MethodConfig, model: ModelConfig): number | null {
  return method.name === 'siamese' && method.level === 'dense' ? (method.decoderWidth ?? modelDimensions(model).width) : null;
}

const cellOf = (method: MethodConfig, model: ModelConfig): LabCell => (method.name === 'dvae' ? 'code' : isResidual(model) ? 'feature' : 'patch');

function masksOf(method: MethodConfig, { views }: ViewPlan): (LabMaskUse | null)[] {
  const uses = recipeOf(method).masks?.(method) ?? {};
  return views.map(({ name }) => (Object.hasOwn(uses, name) ? { count: uses[name]!.count, needed: uses[name]!.needed ?? false } : null));
}

/** The pipeline of the run file, or SiameseIM's own without one; its image, or else the file's data. Rejects with InputError. */
export async function describe(file: RunFileText | null, image: string | null, open: (source: LabSource) => Promise<Dataset>): Promise<LabSetup & { source: LabSource; training: LabTraining }> {
  const config = file ? configOf(file) : null;
  const method = config?.method ?? methodSchema.parse({ name: 'siamese' }), model = config?.model ?? modelSchema.parse({});
  const plan = config ? viewPlanOf(config) : recipeOf(method).views(model, method);
  const source: LabSource | null = image !== null ? { kind: 'image', path: image } : config ? { kind: 'dataset', path: config.data.train } : null;
  if (!source) throw new InputError('choose a run file or an image');
  const { length: images } = await open(source);
  const training: LabTraining = { method, batchSize: config?.batch.size ?? 1, accumulate: config?.batch.accumulate ?? 1, repeats: config?.data.repeats ?? 1 };
  const masks = masksOf(method, plan), hides = masks.some((use) => use !== null) || droppedAt(plan, method, { seed: 0, step: 0, micro: 0 }).some((dropped) => dropped !== null);
  return { source, training, method: method.name, views: plan.views, masks, hides, cell: cellOf(method, model), patchSize: plan.patchSize, sameCrop: plan.sameCrop ?? false, seed: config?.seed ?? 0, images, positionWidth: positionWidth(method, model), ops: opsOf(recipeOf(method).views(model, method)) };
}

export const openSource = ({ kind, path }: LabSource): Promise<Dataset> => (kind === 'image' ? Promise.resolve(imageDataset(path)) : openDataset(path));

/** The page's views as a plan that training would take. Throws InputError. */
export function planOf({ views, patchSize, sameCrop }: Pick<LabPlan, 'views' | 'patchSize' | 'sameCrop'>): ViewPlan {
  const parsed = viewPlanSchema.safeParse({ views, patchSize, sameCrop });
  if (!parsed.success) throw new InputError(z.prettifyError(parsed.error));
  checkPlan(parsed.data);
  const pixels = expandViews(parsed.data).reduce((sum, { size }) => sum + size ** 2, 0);
  if (pixels > maxViewPixels) throw new InputError(`the views have ${pixels} pixels together, more than can be shown at once (${maxViewPixels})`);
  return parsed.data;
}

/** Of all views of a sample. */
const maxViewPixels = 2 ** 24;

/** The views as they may stand in the run file. Throws InputError where its run cannot take them. */
export function checkedViews(file: RunFileText, views: unknown): LabView[] {
  const config = configOf(file);
  const own = viewPlanOf(config);
  const { views: parsed } = planOf({ views, patchSize: own.patchSize, sameCrop: own.sameCrop ?? false });
  return viewPlanOf({ ...config, augment: parsed }).views;
}

interface JsonSchema {
  const?: unknown;
  type?: string;
  minimum?: number;
  maximum?: number;
  description?: string;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  prefixItems?: JsonSchema[];
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
}

/** Every op with its settings that are numbers. Where the schema has no default, an op that is added is as the method's own recipe has it. */
function opsOf(recipe: ViewPlan): LabSetup['ops'] {
  const schema = z.toJSONSchema(opSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const known = [...recipe.views.flatMap(({ ops }) => ops), ...usual] as LabOp[];
  return (schema.oneOf ?? schema.anyOf ?? []).map(({ properties = {} }) => {
    const op = String(properties.op?.const);
    const like = known.find((spec) => spec.op === op);
    const settings = Object.entries(properties).filter(([name, of]) => name !== 'op' && ['number', 'integer'].includes((of.prefixItems?.[0] ?? of).type ?? '')).map(([name, of]): LabSetting => {
      const end = of.prefixItems?.[0] ?? of;
      const initial = (of.default ?? like?.[name] ?? null) as LabValue | null;
      return { name, kind: of.prefixItems ? 'range' : 'number', whole: end.type === 'integer', min: end.minimum ?? 0, max: end.maximum ?? null, initial, text: of.description ?? '' };
    });
    return { op, text: properties.op?.description ?? '', settings };
  });
}

/** For methods whose recipe leaves the op out: SiameseIM's values. */
const usual: OpSpec[] = [
  { op: 'horizontalFlip', p: 0.5 },
  { op: 'colorJitter', p: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1 },
  { op: 'grayscale', p: 0.2 },
  { op: 'gaussianBlur', p: 0.5, sigma: [0.1, 2] },
  { op: 'solarize', p: 0.2, threshold: 128 },
  { op: 'randAugment', p: 1, operations: 2, chance: 0.5, magnitude: 9, deviation: 0.5, interpolation: 'bicubic' },
];
