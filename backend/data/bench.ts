/** What the data path costs: photographs a second of processor time, and of the clock with workers, stage by stage. */
import { Kernels } from '../augment/kernels.ts';
import type { ViewPlan } from '../augment/plan.ts';
import { applyOp, drawView, renderCrop } from '../augment/views.ts';
import { decodeImage } from './decode.ts';
import { openDataset } from './dataset.ts';
import { Loader } from './loader.ts';
import { defaultWorkers } from './pool.ts';
import { SampleReader } from './sampleReader.ts';

export interface DataBenchmark {
  images: number;
  workers: number;
  /** Two-view samples a second of one core's processor time, measured on one thread. */
  images_per_second_per_core: number;
  /** Two-view samples a second of the clock, from the loader with its workers. */
  images_per_second: number;
  /** Milliseconds of processor time a sample (both views), by stage. */
  milliseconds: Record<string, number>;
}

/** SiameseIM's two views at 224 pixels, blockwise mask on the first (the paper, appendix). */
export const paperViews: ViewPlan = {
  patchSize: 16,
  views: (['online', 'target'] as const).map((name) => ({
    name,
    size: 224,
    crop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], interpolation: 'bicubic' },
    ops: [
      { op: 'horizontalFlip', p: 0.5 },
      { op: 'colorJitter', p: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1 },
      { op: 'grayscale', p: 0.2 },
      { op: 'gaussianBlur', p: name === 'online' ? 1 : 0.1, sigma: [0.1, 2] },
      { op: 'solarize', p: name === 'online' ? 0 : 0.2, threshold: 128 },
    ],
    mask: name === 'online' ? { kind: 'block', count: 118, minBlock: 16, aspect: [0.3, 1 / 0.3] } : null,
  })),
};

const seed = 0;

/** Of this process: other programs on the machine do not count. */
function processorMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs the paper's two-view pipeline over a dataset for about `seconds` on one thread, then as long with workers. */
export async function benchmarkData(source: string, options: { seconds: number; workers: number | 'auto' }): Promise<DataBenchmark> {
  const workers = options.workers === 'auto' ? defaultWorkers() : options.workers;
  const single = await oneThread(source, options.seconds);
  const images_per_second = await withWorkers(source, options.seconds, workers);
  return { ...single, workers, images_per_second };
}

/** The stages one after the other on this thread, with its processor time; the first samples warm the caches up. */
async function oneThread(source: string, seconds: number): Promise<Pick<DataBenchmark, 'images' | 'images_per_second_per_core' | 'milliseconds'>> {
  const dataset = await openDataset(source);
  const kernels = new Kernels();
  const reader = new SampleReader();
  let milliseconds: Record<string, number> = {};
  let mark = 0;
  const lap = (stage: string) => {
    const now = processorMilliseconds();
    milliseconds[stage] = (milliseconds[stage] ?? 0) + now - mark;
    mark = now;
  };
  const sample = async (index: number, epoch: number) => {
    mark = processorMilliseconds();
    kernels.reset();
    const bytes = reader.read(dataset.location(index));
    lap('read');
    const picture = await decodeImage(kernels, bytes);
    lap('decode');
    for (const [position, view] of paperViews.views.entries()) {
      const drawn = drawView(paperViews, paperViews.views, position, { seed, epoch, index }, picture.width, picture.height);
      lap('draw');
      const cropped = renderCrop(kernels, picture, drawn.crop, view.size, view.crop.interpolation);
      lap('resize');
      for (const op of drawn.ops) {
        applyOp(kernels, cropped, op);
        lap(op.op);
      }
    }
  };
  let images = 0;
  const run = async (milliseconds: number) => {
    images = 0;
    for (const end = performance.now() + milliseconds; performance.now() < end; images++) await sample(images % dataset.length, Math.floor(images / dataset.length));
  };
  await run(Math.min(1000, seconds * 200));
  milliseconds = {};
  const before = processorMilliseconds();
  await run(seconds * 1000);
  const spent = processorMilliseconds() - before;
  return {
    images,
    images_per_second_per_core: (images * 1000) / spent,
    milliseconds: Object.fromEntries(Object.entries(milliseconds).map(([stage, total]) => [stage, total / images])),
  };
}

async function withWorkers(source: string, seconds: number, workers: number): Promise<number> {
  const batchSize = 32;
  const loader = new Loader({ source, dataset: await openDataset(source), plan: paperViews, seed, batchSize, workers, startStep: 0, steps: Number.MAX_SAFE_INTEGER });
  let batches = 0;
  let begun = 0;
  for await (const batch of loader) {
    // The clock starts when all workers run and the first batches are under way.
    if (batch.step === 3) begun = performance.now();
    else if (batch.step > 3) batches++;
    if (begun > 0 && performance.now() - begun > seconds * 1000) break;
  }
  return (batches * batchSize * 1000) / (performance.now() - begun);
}
