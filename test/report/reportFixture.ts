/** A report's data as a run would give it: generated images, views cropped from them, features that know more of the content after training. */
import sharp from 'sharp';
import type { Crop } from '../../backend/augment/geometry.ts';
import { classNames, renderImage } from '../../backend/data/generator/index.ts';
import { noise } from '../../backend/data/generator/noise.ts';
import { addPck, pck } from '../../backend/evaluate/correspondence.ts';
import { classifyByNeighbours, type KnnScore } from '../../backend/evaluate/knn.ts';
import { Random } from '../../backend/random.ts';
import type { Curve, NeighbourSample, PairSample, ReportData, RgbImage, Sample } from '../../backend/report/index.ts';
import { evaluationCurves, knnMeasure, pairSample, pckMeasures } from '../../backend/report/index.ts';

const size = 160;
const grid = 14;
const dimension = 32;

const picture = (className: string, index: number): RgbImage => ({ width: size, height: size, pixels: renderImage({ seed: 3, className, split: 'test', index }, size) });

function drawCrop(random: Random): Crop {
  const [width, height] = [random.integer(75, 130), random.integer(75, 130)];
  return { top: random.integer(0, size - height), left: random.integer(0, size - width), width, height, flipped: random.chance(0.5), imageWidth: size, imageHeight: size };
}

async function view(image: RgbImage, crop: Crop): Promise<RgbImage> {
  const flipped = sharp(image.pixels, { raw: { width: image.width, height: image.height, channels: 3 } }).flop(crop.flipped).png();
  const pixels = await sharp(await flipped.toBuffer()).extract(crop).resize(112, 112, { fit: 'fill' }).removeAlpha().raw().toBuffer();
  return { width: 112, height: 112, pixels: new Uint8Array(pixels) };
}

/** Features of a view's patches: smooth functions of the place in the image (what a trained model knows), the place in the view (what positions alone say) and noise. */
function features(crop: Crop, content: number, seed: number, random: Random): Float32Array {
  return Float32Array.from({ length: grid * grid * dimension }, (_, i) => {
    const k = i % dimension;
    const patch = Math.floor(i / dimension);
    const [row, column] = [Math.floor(patch / grid) + 0.5, (patch % grid) + 0.5];
    const x = crop.left + (column / grid) * crop.width;
    const inImage = crop.flipped ? crop.imageWidth - x : x;
    const y = crop.top + (row / grid) * crop.height;
    return content * 3 * (noise(inImage / 22, y / 22, seed + 31 * k) - 0.5) + (1 - content) * 2 * (noise(column / 4, row / 4, 900 + 7 * k) - 0.5) + 0.55 * random.normal();
  });
}

async function pair(className: string, index: number, random: Random): Promise<PairSample> {
  const image = picture(className, index);
  const [a, b] = [drawCrop(random), drawCrop(random)];
  const both = (content: number) => ({ a: features(a, content, index, random), b: features(b, content, index, random) });
  return pairSample({ file: `test/${className}/${String(index).padStart(5, '0')}.jpg`, image, a: { image: await view(image, a), crop: a }, b: { image: await view(image, b), crop: b }, grid }, dimension, both(0.12), both(0.8));
}

async function sample(className: string, index: number, random: Random): Promise<Sample> {
  const image = picture(className, index);
  const [a, b] = [drawCrop(random), drawCrop(random)];
  const mask = new Uint8Array(grid * grid);
  const [top, left] = [random.integer(0, 3), random.integer(0, 3)];
  for (let i = 0; i < mask.length; i++) mask[i] = Math.floor(i / grid) >= top && Math.floor(i / grid) < top + 10 && i % grid >= left && i % grid < left + 11 && random.chance(0.97) ? 1 : 0;
  return { file: `train/${className}/${String(index).padStart(5, '0')}.jpg`, image, views: [{ name: 'online', crop: a, image: await view(image, a), mask, grid }, { name: 'target', crop: b, image: await view(image, b), mask: null, grid }] };
}

function curves(steps: number, random: Random): Curve[] {
  const at = Array.from({ length: steps }, (_, i) => i + 1);
  const noisy = (f: (t: number) => number, spread: number) => at.map((s) => f(s / steps) * (1 + spread * random.normal()));
  return [
    { name: 'Loss', explanation: 'What training lowers, and its two terms: predictions near their targets, and apart from those of other patches.', scale: 'linear', series: [{ name: 'loss', steps: at, values: noisy((t) => 0.45 + 0.55 * Math.exp(-5 * t), 0.015) }, { name: 'positive term', steps: at, values: noisy((t) => 0.38 + 0.5 * Math.exp(-5 * t), 0.015) }, { name: 'negative term', steps: at, values: noisy((t) => 0.06 + 0.06 * Math.exp(-8 * t), 0.02) }] },
    { name: 'Effective rank', explanation: 'How many directions the target features spread over (participation ratio). Near 1, they have collapsed.', scale: 'linear', series: [{ name: 'effective rank', steps: at, values: noisy((t) => 6 + 40 * Math.sqrt(t), 0.02) }] },
    { name: 'Feature spread', explanation: 'Standard deviation of the target features over tokens; zero where every token is the same.', scale: 'linear', series: [{ name: 'feature std', steps: at, values: noisy((t) => 0.5 + 0.4 * t, 0.01) }] },
    { name: 'Learning rate', explanation: 'A linear warm-up, then half a cosine.', scale: 'linear', series: [{ name: 'learning rate', steps: at, values: at.map((s) => 6e-4 * Math.min(1, s / (0.1 * steps)) * (0.5 + 0.5 * Math.cos((Math.PI * s) / steps))) }] },
    { name: 'Gradient norm', explanation: 'Length of the whole gradient, before clipping to 1.', scale: 'log', series: [{ name: 'gradient norm', steps: at, values: noisy((t) => 4 * Math.exp(-3 * t) + 0.3, 0.2).map((v, i) => (i === 700 ? NaN : v)) }] },
    { name: 'Images a second', explanation: 'Of training, waiting for data included.', scale: 'linear', series: [{ name: 'images/s', steps: at.filter((s) => s % 10 === 0), values: at.filter((s) => s % 10 === 0).map(() => 212 + 4 * random.normal()) }] },
  ];
}

/** Class features with noise: `signal` 0 knows nothing. */
function knnScores(signal: number, random: Random): { score: KnnScore; nearest: Int32Array; cosines: Float32Array; predictions: Int32Array } {
  const classes = classNames.length;
  const set = (perClass: number) => {
    const labels = Int32Array.from({ length: perClass * classes }, (_, i) => i % classes);
    return { labels, features: Float32Array.from({ length: labels.length * 24 }, (_, i) => signal * 2 * (noise(labels[Math.floor(i / 24)]! * 3.7, (i % 24) * 5.3, 77) - 0.5) + random.normal()) };
  };
  const result = classifyByNeighbours(set(20), set(10), { dimension: 24, classes, k: [20] });
  const score = result.scores[0]!;
  return { score, nearest: result.neighbours.indices, cosines: result.neighbours.cosines, predictions: score.predictions };
}

/** The sixth was of a model whose k-NN could not be had. */
export const evaluationRows = Array.from({ length: 7 }, (_, i) => ({
  step: 250 * i, epoch: 8 * i, elapsed_seconds: 200 * i, eval_seconds: 1.2, ...(i === 5 ? {} : { eval_knn_top1: 0.12 + 0.05 * Math.sqrt(i) }), eval_pck_0: 0.05 + 0.06 * i, eval_pck_1: 0.2 + 0.09 * i, eval_prediction_0: 0.02 + 0.01 * i ** 2, eval_centred_effective_rank: 6.2 + 4 * i, eval_first_component: 0.6 / (1 + 0.4 * i),
}));

export async function reportFixture(change: Partial<ReportData> = {}): Promise<ReportData> {
  const random = new Random(2026);
  const pairs: PairSample[] = [];
  for (const [k, name] of ['bird', 'house', 'mug', 'fish', 'robot', 'snail'].entries()) pairs.push(await pair(name, k, random));
  const samples: Sample[] = [];
  for (const [k, name] of ['rocket', 'clock', 'boat'].entries()) samples.push(await sample(name, k, random));
  const before = knnScores(0.35, random);
  const after = knnScores(1.7, random);
  const neighbours: NeighbourSample[] = [4, 7, 30, 52, 80].map((row) => ({
    file: `test/${classNames[row % 21]}/00000.jpg`, image: picture(classNames[row % 21]!, 20), label: classNames[row % 21]!, predicted: classNames[after.predictions[row]!]!,
    neighbours: Array.from({ length: 5 }, (_, k) => {
      const found = after.nearest[row * 5 + k]!;
      return { file: `train/${classNames[found % 21]}/${found}.jpg`, image: picture(classNames[found % 21]!, 30 + found), label: classNames[found % 21]!, cosine: after.cosines[row * 5 + k]! };
    }),
  }));
  const score = (when: 'before' | 'after') => addPck(pairs.map((p) => pck(p[when].best, p.truth, grid)));
  return {
    title: 'demo', method: 'Siamese Image Modeling', finishedAt: '2026-03-14T15:09:26Z', outcome: 'finished', steps: 1500, seconds: 1234, dataset: '2,000 generated images of 21 classes',
    measures: [
      ...pckMeasures(score('before'), score('after')),
      knnMeasure(before.score, after.score),
      { name: 'Prediction finds its own target', explanation: 'The share of positions whose predicted feature is nearer to its own target than to any other target of the same image.', kind: 'share', better: 'higher', before: { value: 0.0056 }, after: { value: 0.0071 }, chance: 1 / 196 },
    ],
    curves: curves(1500, random), evaluations: evaluationCurves(evaluationRows), samples, pairs, neighbours,
    facts: [{ name: 'Engine', value: 'libtorch 2.11, CPU, bfloat16' }, { name: 'Processor', value: '2 cores with AMX' }, { name: 'Model', value: 'ViT, 6 blocks, width 192, patch 8' }, { name: 'Parameters', value: '3,412,096' }, { name: 'SiamScope', value: '0.1.0' }, { name: 'Node', value: '20.20.0' }, { name: 'Seed', value: '0' }, { name: 'Images seen', value: '96,000' }],
    config: { method: { name: 'siamese', target: 'feature' }, model: { depth: 6, width: 192, patchSize: 8 }, train: { steps: 1500, batchSize: 64 } },
    commands: [{ purpose: 'Train on photographs of your own, from the same recipe:', command: 'npm start -- --data /path/to/photographs' }, { purpose: 'Go on with this run for longer:', command: 'npx siamscope resume runs/demo --steps 6000' }],
    notes: [],
    ...change,
  };
}
