/** The main job in one go: images, a run, the trained and the untrained model measured the same way, and a report. */
import { cpus, totalmem } from 'node:os';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { builtFile } from './assets.ts';
import { generateImages } from './data/generator/index.ts';
import { openDataset, type Dataset } from './data/dataset.ts';
import { traceSample } from './data/trace.ts';
import { openEngine } from './engines/choose.ts';
import type { Engine } from './engines/engine.ts';
import { RunError } from './errors.ts';
import { writeAtomically } from './formats/atomic.ts';
import { loadCheckpoint, untrained } from './evaluate/load.ts';
import type { FeatureModel } from './evaluate/features.ts';
import { drawPairs, type ViewPairs } from './evaluate/pairs.ts';
import type { KnnResult } from './evaluate/knn.ts';
import { pckRates, type PckCounts } from './evaluate/correspondence.ts';
import { loadLabelled, probeCorrespondence, probeNeighbours, probePrediction, type LabelledImages, type PairResult } from './evaluate/probe.ts';
import { transformerDimensions } from './nn/model.ts';
import type { RunEvent } from './protocol.ts';
import { evaluationCurves, knnMeasure, pairSample, pckMeasures, renderReport, stepCurves, type Measure, type NeighbourSample, type PairSample, type ReportData, type RgbImage, type Sample } from './report/index.ts';
import { viewPlanOf, type RunConfig } from './train/config.ts';
import { trainRun, type RunOutcome } from './train/loop.ts';
import { readEvaluations, readMetrics } from './train/metrics.ts';
import { completeRun } from './train/runFile.ts';
import { TrainingThread } from './train/trainingThread.ts';

export interface DemoOptions {
  /** The user's images; null: generated ones. */
  data: string | null;
  /** Where images, run and report go. */
  folder: string;
  /** Training time that the number of steps is chosen for. */
  seconds: number;
  seed: number;
  stop: AbortSignal;
  /** Overrides of the run file, as of `siamscope train --set`. */
  set: readonly string[];
  say: (line: string) => void;
  onEvent: (event: RunEvent) => void;
  onImages: (done: number, total: number) => void;
}

export interface DemoResult {
  outcome: RunOutcome;
  run: string;
  /** The report's path; null where the run did not finish. */
  report: string | null;
  measures: Measure[];
}

/** Sizes of what is measured: enough for a percent or so, seconds on two cores. */
const pairCount = 128, neighbourTrain = 1680, neighbourTest = 420, k = 20;
const shownPairs = 6, shownSamples = 4, shownNeighbours = 5;
const generated = { perClass: 80, testPerClass: 20, size: 160 };
type Recipe = 'demo' | 'demo-small';
/** With fewer, less than what docs/learning.md tells is learned. */
const leastSteps: Record<Recipe, number> = { demo: 2400, 'demo-small': 1800 };
const mostSteps = 6000;

/** What one model is worth. */
interface Probed {
  pairs: PairResult;
  prediction: PckCounts | null;
  neighbours: KnnResult | null;
}

/** What both models are measured on. */
interface Material {
  train: Dataset;
  test: Dataset;
  pairs: ViewPairs;
  labelled: { train: LabelledImages; test: LabelledImages } | null;
}

async function images(options: DemoOptions): Promise<{ train: string; test: string | null; description: string }> {
  if (options.data !== null) return { train: resolve(options.data), test: null, description: `images of ${basename(resolve(options.data))}` };
  const made = await generateImages(join(options.folder, 'images'), { ...generated, seed: 1, onProgress: options.onImages, signal: options.stop });
  return { train: made.train, test: made.test, description: `${made.images.toLocaleString('en-US')} generated images` };
}

async function gather(config: RunConfig): Promise<Material> {
  const train = await openDataset(config.data.train);
  const test = config.data.test === null ? train : await openDataset(config.data.test);
  const pairs = await drawPairs(test, config.model, Math.min(pairCount, Math.max(8, test.length)), config.seed + 1);
  const labelled = train.classes.length > 1 && test !== train ? { train: await loadLabelled(train, config.model, neighbourTrain), test: await loadLabelled(test, config.model, neighbourTest) } : null;
  return { train, test, pairs, labelled };
}

async function probe(m: FeatureModel, { train, pairs, labelled }: Material): Promise<Probed> {
  return {
    pairs: await probeCorrespondence(m, pairs),
    prediction: await probePrediction(m, pairs),
    neighbours: labelled && (await probeNeighbours(m, labelled.train, labelled.test, train.classes.length, [k])),
  };
}

/**
 * Steps of a recipe that fit into the time, from a few real ones. They are timed in a process of their own, and this one loads no engine
 * before the run is over: two threads with libtorch in one process share its OpenMP threads, and both run at half their speed.
 */
async function stepsWithin(recipe: Recipe, seconds: number, { engine, batch }: RunConfig, stop: AbortSignal): Promise<number> {
  const args = [builtFile('siamscope.mjs'), 'bench', 'step', '--preset', recipe, '--batch', String(batch.size), '--steps', '30', '--engine', engine.engine, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { signal: stop }).catch((error: Error & { stderr?: string }) => {
    throw new RunError(`the engine cannot take a step: ${error.stderr?.trim() || error.message}`, { cause: error });
  });
  const { seconds_per_step: step } = JSON.parse(stdout) as { seconds_per_step: number };
  // Decoding and writing share the cores with the engine.
  return Math.round(seconds / (step * 1.15) / 10) * 10;
}

/** The demo's own recipe, or the smaller one where the least steps of that would end more than a fifth of the time beyond it; with what the report is to say of it. */
async function sizedRun({ seconds, stop, set, say }: DemoOptions, configured: (recipe: Recipe, steps: number | null) => RunConfig): Promise<{ config: RunConfig; notes: string[] }> {
  if (set.some((override) => override.startsWith('schedule.'))) return { config: configured('demo', null), notes: [] };
  const within = (recipe: Recipe): Promise<number> => stepsWithin(recipe, seconds, configured(recipe, null), stop);
  const taken = (recipe: Recipe, steps: number): RunConfig => configured(recipe, Math.max(leastSteps[recipe], Math.min(mostSteps, steps)));
  say('timing a few steps');
  const steps = await within('demo');
  if (1.2 * steps >= leastSteps.demo) return { config: taken('demo', steps), notes: [] };
  say(`${steps.toLocaleString('en-US')} steps of the demo's recipe fit into ${seconds} s, too few to learn from: timing those of a smaller one`);
  const note = `Only ${steps.toLocaleString('en-US')} steps of the demo's own recipe fit into ${seconds} s on this machine, too few to learn from: this is a smaller one, of larger patches and fewer images a step. More time (--seconds) lets it learn more.`;
  return { config: taken('demo-small', await within('demo-small')), notes: [note] };
}

/** Runs everything. Rejects with InputError or RunError where a part fails; a stopped run resolves without a report. */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { say } = options;
  const source = await images(options);
  const { config, notes } = await sizedRun(options, (preset, steps) =>
    completeRun(
      { preset, name: 'demo', seed: options.seed, data: { train: source.train, test: source.test }, ...(steps !== null && { schedule: { steps, warmupSteps: Math.round(steps / 10) } }) },
      { folder: options.folder, overrides: options.set },
    ),
  );

  const run = freshFolder(join(options.folder, 'runs', config.name));
  const thread = new TrainingThread();
  const outcome = await trainRun({ config, folder: run, resume: false, thread, stop: options.stop, now: true, onEvent: options.onEvent }).finally(() => thread.close());
  if (outcome.state === 'failed') throw outcome.error ?? new RunError('the run failed');
  if (outcome.state === 'stopped') return { outcome, run, report: null, measures: [] };

  say('measuring the trained model, and the same model untrained');
  const { threads, ...request } = config.engine;
  const engine = await openEngine(threads === null ? request : { ...request, threads }, { say });
  const material = await gather(config);
  const start = untrained(config.model, config.method, config.seed);
  const before = await probe(start, material);
  start.parameters.dispose();
  const trained = await loadCheckpoint(run, config);
  const after = await probe(trained, material);
  trained.parameters.dispose();
  const measures = measuresOf(before, after);
  const report = join(run, 'report.html');
  await writeAtomically(report, await renderReport(await reportData({ config, engine, outcome, run, material, before, after, measures, description: source.description, notes })));
  return { outcome, run, report, measures };
}

/** The folder, or the first of `-2`, `-3`, ... that is not taken. */
function freshFolder(path: string): string {
  for (let i = 1; ; i++) {
    const candidate = i === 1 ? path : `${path}-${i}`;
    if (!existsSync(candidate)) return candidate;
  }
}

function measuresOf(before: Probed, after: Probed): Measure[] {
  const measures: Measure[] = [];
  if (before.prediction && after.prediction) {
    const [was, is] = [pckRates(before.prediction), pckRates(after.prediction)];
    for (const t of [0, 1])
      measures.push({
        name: t === 0 ? 'Prediction: right patch' : 'Prediction: within one patch',
        explanation: `Shown one view and told where the other lies, the model predicts each patch of the other view. The share of predictions that are nearest to the features of ${t === 0 ? 'that very patch' : 'that patch or a neighbour of it'}, among all of that view; what a place alone tells is taken off.`,
        kind: 'share', better: 'higher', before: { value: was.rates[t]! }, after: { value: is.rates[t]! }, chance: is.chance[t]!,
        ...(t === 0 ? { claim: 'predicts which patch it has not seen is which' } : {}),
      });
  }
  measures.push(...pckMeasures(before.pairs.counts, after.pairs.counts));
  if (after.neighbours) measures.push(knnMeasure(before.neighbours?.scores[0] ?? null, after.neighbours.scores[0]!));
  return measures;
}

const picture = (pixels: Uint8Array, size: number, index: number): RgbImage => ({ width: size, height: size, pixels: pixels.slice(index * size * size * 3, (index + 1) * size * size * 3) });

/** Pairs that overlap well, spread over the images. */
function chosenPairs({ pairs }: Material): number[] {
  const overlaps = pairs.a.crops.map((a, i) => ({ i, area: Math.min(a.height, pairs.b.crops[i]!.height) * Math.min(a.width, pairs.b.crops[i]!.width) }));
  const files = new Set<string>();
  return overlaps.sort((p, q) => q.area - p.area).filter(({ i }) => {
    const folder = pairs.files[i]!.split('/')[0]!;
    if (files.has(folder) && files.size < shownPairs) return false;
    files.add(folder);
    return true;
  }).slice(0, shownPairs).map(({ i }) => i);
}

async function reportPairs(config: RunConfig, material: Material, before: Probed, after: Probed): Promise<PairSample[]> {
  const { grid, patches, imageSize } = transformerDimensions(config.model);
  const { pairs, test } = material;
  return Promise.all(
    chosenPairs(material).map(async (i) => {
      const of = ({ pairs: p }: Probed) => ({ a: p.a.slice(i * patches * p.dimension, (i + 1) * patches * p.dimension), b: p.b.slice(i * patches * p.dimension, (i + 1) * patches * p.dimension) });
      const { image } = await traceSample(test, viewPlanOf(config), { seed: config.seed, epoch: 0, index: pairs.indices[i]! });
      return pairSample({ file: pairs.files[i]!, image, a: { image: picture(pairs.a.pixels, imageSize, i), crop: pairs.a.crops[i]! }, b: { image: picture(pairs.b.pixels, imageSize, i), crop: pairs.b.crops[i]! }, grid }, after.pairs.dimension, of(before), of(after));
    }),
  );
}

/** Views exactly as the run took them, by the loader's own draws. */
async function reportSamples(config: RunConfig, { train }: Material): Promise<Sample[]> {
  const stride = Math.max(1, Math.floor(train.length / shownSamples));
  return Promise.all(
    Array.from({ length: Math.min(shownSamples, train.length) }, async (_, i) => {
      const trace = await traceSample(train, viewPlanOf(config), { seed: config.seed, epoch: 0, index: i * stride });
      return { file: trace.file, image: trace.image, views: trace.views.map((view) => ({ name: view.name, crop: view.crop, image: { width: view.size, height: view.size, pixels: view.pixels }, mask: view.mask, grid: view.size / config.model.patchSize })) };
    }),
  );
}

function reportNeighbours(config: RunConfig, { train, labelled }: Material, { neighbours }: Probed): NeighbourSample[] {
  if (!labelled || !neighbours) return [];
  const size = config.model.imageSize;
  const { predictions } = neighbours.scores[0]!;
  const stride = Math.max(1, Math.floor(predictions.length / shownNeighbours));
  const name = (label: number): string => train.classes[label] ?? String(label);
  return Array.from({ length: Math.min(shownNeighbours, predictions.length) }, (_, row) => {
    const i = row * stride;
    const { count, indices, cosines } = neighbours.neighbours;
    return {
      file: labelled.test.files[i]!, image: picture(labelled.test.pixels, size, i), label: name(labelled.test.labels[i]!), predicted: name(predictions[i]!),
      neighbours: Array.from({ length: count }, (_, n) => {
        const at = indices[i * count + n]!;
        return { file: labelled.train.files[at]!, image: picture(labelled.train.pixels, size, at), label: name(labelled.train.labels[at]!), cosine: cosines[i * count + n]! };
      }),
    };
  });
}

interface Finished {
  config: RunConfig;
  engine: Engine;
  outcome: RunOutcome;
  run: string;
  material: Material;
  before: Probed;
  after: Probed;
  measures: Measure[];
  description: string;
  notes: string[];
}

async function reportData({ config, engine, outcome, run, material, before, after, measures, description, notes }: Finished): Promise<ReportData> {
  const { width, depth, patches, imageSize, patchSize } = transformerDimensions(config.model);
  const cpu = cpus();
  return {
    title: config.name,
    method: 'Siamese Image Modeling',
    finishedAt: new Date().toISOString(),
    outcome: 'finished',
    steps: outcome.step,
    seconds: outcome.elapsedSeconds,
    dataset: `${description}${material.train.classes.length > 1 ? ` of ${material.train.classes.length} classes` : ''}`,
    measures,
    curves: stepCurves(await readMetrics(run)),
    evaluations: evaluationCurves(await readEvaluations(run)),
    samples: await reportSamples(config, material),
    pairs: await reportPairs(config, material, before, after),
    neighbours: reportNeighbours(config, material, after),
    facts: [
      { name: 'Machine', value: `${cpu[0]?.model.trim() ?? process.arch}, ${cpu.length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB` },
      { name: 'Engine', value: `${engine.name} ${engine.version}, ${engine.device}, ${engine.precision}; TensorFlow.js ${tf.version_core}; Node ${process.version}` },
      { name: 'Model', value: `${depth} blocks of width ${width}; ${imageSize} x ${imageSize} pixels in ${patches} patches of ${patchSize} x ${patchSize}` },
      { name: 'Seed', value: String(config.seed) },
    ],
    config,
    commands: [
      { purpose: 'Train on your own images', command: 'npm start -- --data path/to/images' },
      { purpose: 'Write a run file to change', command: 'npx siamscope init mine.siam.json --preset siamese-vit-small --data path/to/images' },
      { purpose: 'Measure this checkpoint again', command: `npx siamscope evaluate ${run}` },
      { purpose: 'Use the encoder with timm', command: `npx siamscope export ${run} encoder.safetensors` },
    ],
    notes: [
      'The recipe is sized for minutes, not the paper\'s: small images, crops of 0.4 of the image and more, mild colours, 40 % of the patches masked.',
      ...notes,
      `Correspondence is measured on ${material.pairs.count} pairs of views with independent colours; the means of each position and of each image are taken off first, so that neither position embeddings nor the image's overall look decide.`,
      ...(material.test === material.train ? ['There are no test images: correspondence was measured on views of the training images that the run had not drawn.'] : []),
      ...(material.labelled ? [] : ['Classes were not measured: that needs labelled training and test images.']),
    ],
  };
}
