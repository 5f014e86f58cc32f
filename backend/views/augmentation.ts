/** The augmentation lab's calls: what a run file draws of an image, one sample, many at once, and over the data set. */
import { z } from 'zod';
import type { Dataset } from '../data/dataset.ts';
import { InputError } from '../errors.ts';
import type { AugmentationCalls, LabBox, LabKey, LabSource, LabTraining } from '../protocol.ts';
import type { SampleDrawer } from './augmentationSample.ts';
import type { ViewAnswers } from './serve.ts';

const maxFileText = 2 ** 20;
const path = z.string().min(1).max(4096);
const file = z.strictObject({ path, text: z.string().max(maxFileText) });
const source: z.ZodType<LabSource> = z.strictObject({ kind: z.enum(['dataset', 'image']), path });
const whole = z.int().min(0);
const seed = whole.max(2 ** 32 - 1);
const epoch = whole.max(1e9);
const batch = z.int().positive().max(2 ** 32);
const training: z.ZodType<LabTraining> = z.strictObject({ method: z.unknown(), batchSize: batch, accumulate: batch, repeats: batch });
const plan = { views: z.unknown(), patchSize: z.int().positive(), sameCrop: z.boolean(), positionWidth: z.int().positive().multipleOf(4).max(16384).nullable(), training };
const key: z.ZodType<LabKey> = z.strictObject({ seed, epoch, index: whole, drawnAs: whole });
const pixels = z.number().min(-1e6).max(1e6);
const box: z.ZodType<LabBox> = z.strictObject({ top: pixels, left: pixels, height: pixels, width: pixels, mirrored: z.boolean() });
const maxViews = 256, maxCards = 60, maxSamples = 100_000;

/** What is loaded when a first sample is drawn, and kept. */
let drawer: Promise<SampleDrawer> | null = null;
let open: { name: string; dataset: Promise<Dataset> } | null = null;

const loadDrawer = (): Promise<SampleDrawer> => (drawer ??= import('./augmentationSample.ts').then(({ SampleDrawer }) => new SampleDrawer()));

/** The data set at a source; the last one is kept. */
async function datasetOf(wanted: LabSource): Promise<Dataset> {
  const name = `${wanted.kind}\n${wanted.path}`;
  if (open?.name !== name) {
    const { openSource } = await import('./augmentationSetup.ts');
    const dataset = openSource(wanted);
    open = { name, dataset };
    dataset.catch(() => (open = null));
  }
  return open.dataset;
}

function checkIndex(dataset: Dataset, index: number): void {
  if (index >= dataset.length) throw new InputError(`image ${index + 1} of a data set of ${dataset.length}`);
}

export const augmentationAnswers: ViewAnswers<AugmentationCalls> = {
  'augmentation/describe': {
    schema: z.strictObject({ file: file.nullable(), image: path.nullable(), fresh: z.boolean() }),
    async answer(request) {
      const { describe } = await import('./augmentationSetup.ts');
      if (request.fresh) {
        open = null;
        (await loadDrawer()).forget();
      }
      return describe(request.file, request.image, datasetOf);
    },
  },
  'augmentation/sample': {
    schema: z.strictObject({ ...plan, source, key, boxes: z.array(box.nullable()).max(maxViews), withImage: z.boolean() }),
    async answer({ source: from, key: wanted, boxes, withImage, ...rest }, { signal }) {
      const [{ planOf }, { dropsOf }] = await Promise.all([import('./augmentationSetup.ts'), import('./augmentationDrops.ts')]);
      const dataset = await datasetOf(from), drawnPlan = planOf(rest);
      checkIndex(dataset, wanted.index);
      const dropped = dropsOf(drawnPlan, rest.training, dataset.length)({ seed: wanted.seed, epoch: wanted.epoch, index: wanted.drawnAs });
      return (await loadDrawer()).sample(dataset, { plan: drawnPlan, dropped, key: wanted, boxes, withImage, positionWidth: rest.positionWidth }, signal);
    },
  },
  'augmentation/cards': {
    schema: z.strictObject({ ...plan, source, seed, epoch, from: whole, count: z.int().min(1).max(maxCards) }),
    async answer({ source: from, from: first, count, seed: of, epoch: at, ...rest }, { signal, progress }) {
      const [{ planOf }, { dropsOf }] = await Promise.all([import('./augmentationSetup.ts'), import('./augmentationDrops.ts')]);
      const dataset = await datasetOf(from), drawnPlan = planOf(rest);
      const indices = Array.from({ length: Math.min(count, dataset.length) }, (_, i) => (first + i) % dataset.length);
      return (await loadDrawer()).cards(dataset, drawnPlan, dropsOf(drawnPlan, rest.training, dataset.length), indices, { seed: of, epoch: at }, signal, (done) => progress('', done, indices.length));
    },
  },
  'augmentation/statistics': {
    schema: z.strictObject({ ...plan, source, seed, samples: z.int().min(1).max(maxSamples) }),
    async answer({ source: from, seed: of, samples, ...rest }, { signal, progress }) {
      const [{ planOf }, { statisticsOf }, { dropsAt }] = await Promise.all([import('./augmentationSetup.ts'), import('./augmentationStatistics.ts'), import('./augmentationDrops.ts')]);
      const drawnPlan = planOf(rest), dropped = dropsAt(drawnPlan, rest.training);
      return statisticsOf(await datasetOf(from), drawnPlan, { seed: of, dropped: (sample) => dropped(of, () => Math.floor(sample / rest.training.batchSize)), samples, signal, onDone: (share) => progress('', Math.round(share * 1000), 1000) });
    },
  },
  'augmentation/check': {
    schema: z.strictObject({ file, views: z.unknown() }),
    async answer(request) {
      const { checkedViews } = await import('./augmentationSetup.ts');
      return { views: checkedViews(request.file, request.views) };
    },
  },
};
