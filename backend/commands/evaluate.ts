/** `siamscope evaluate`: what a checkpoint is worth, by itself or by a published protocol. */
import type { Command } from 'commander';
import { basename, dirname, extname, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { choiceOption, deviceOption, engineOption, jsonOption, listOption, positive, precisionOption, shotsOption, torchOption, wholeNumber, type engineNames, type precisionNames } from './arguments.ts';
import { InputError } from '../errors.ts';
import type { RunConfig } from '../train/config.ts';
import { corruptionLevels, corruptionNames, type CorruptionName, type Level } from '../augment/corruptions/names.ts';
import type { OpenedModel } from '../evaluate/load.ts';
import type { ProtocolResult } from '../evaluate/protocols/frozen.ts';
import type { Head } from '../evaluate/protocols/recognizer.ts';
import type { Section } from '../evaluate/protocols/reportPage.ts';
import type { RobustnessResult } from '../evaluate/protocols/robustness.ts';
import { evaluationProtocols, type EvaluationProtocol } from '../protocol/evaluations.ts';
import { methodName } from '../protocol/methodNames.ts';
import { example } from './example.ts';
import { robustnessText } from './robustnessText.ts';
import { print, printJson, say, table } from './terminal.ts';

const protocols = Object.keys(evaluationProtocols) as EvaluationProtocol[];
/** Of linear the first three, of finetune all. */
const recipes = ['mae', 'mocov3', 'dino', 'siamese', 'beit', 'ibot'] as const;

interface EvaluateOptions {
  protocol?: EvaluationProtocol;
  shots: { perClass: number } | { share: number };
  lambda?: number;
  recipe?: (typeof recipes)[number];
  epochs?: number;
  batch?: number;
  size?: number;
  seed: number;
  saveFeatures?: string;
  classes?: string;
  allClasses?: boolean;
  head: Head;
  corruptions: readonly CorruptionName[];
  levels: readonly Level[];
  run?: string;
  report?: string;
  data?: string;
  test?: string;
  branch?: 'online' | 'target';
  pairs: number;
  neighbours: number;
  engine?: (typeof engineNames)[number];
  precision?: (typeof precisionNames)[number];
  device?: string;
  threads?: number;
  json?: boolean;
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** Where images come from: as they are given, or the run's own. */
function sourcesOf(config: RunConfig | null, data: string | undefined, test: string | undefined): { train: string | null; test: string | null } {
  return { train: data === undefined ? (config?.data.train ?? null) : resolve(data), test: test === undefined ? (data === undefined ? (config?.data.test ?? null) : null) : resolve(test) };
}

/** RUN/checkpoints/4 is "RUN, step 4"; any other goes by its own name. */
function shownName(path: string): string {
  const folder = dirname(path);
  return basename(folder) === 'checkpoints' ? `${basename(dirname(folder))}, step ${basename(path)}` : basename(path);
}

/** What only one protocol has to show. */
async function sectionOf({ robustness, examples }: Partial<RobustnessResult>): Promise<Section | null> {
  return robustness && examples ? (await import('../evaluate/protocols/robustnessSection.ts')).robustnessSection(robustness, examples) : null;
}

/** One of the published protocols, on any checkpoint. */
async function byProtocol(checkpoint: string, protocol: EvaluationProtocol, options: EvaluateOptions): Promise<void> {
  const { data, test, neighbours, shots, seed, lambda, recipe, epochs, batch, size, saveFeatures, classes, allClasses, head, corruptions, levels, report, run, engine: name, precision, device, threads, json } = options;
  if (saveFeatures !== undefined && protocol !== 'knn' && protocol !== 'few-shot') throw new InputError(`${protocol} has no features to save: use --save-features with knn or few-shot`);
  if (run !== undefined && protocol !== 'finetune') throw new InputError('--run is where fine-tuning is kept: use it with --protocol finetune');
  const [{ openModel }, { openEngine }, frozen, { resizedModel }] = await Promise.all([import('../evaluate/load.ts'), import('../engines/choose.ts'), import('../evaluate/protocols/frozen.ts'), import('../evaluate/resize.ts')]);
  const path = resolve(checkpoint);
  const engine = await openEngine({ engine: name, precision, device, threads });
  if (!json) say(`${engine.name} ${engine.version} on ${engine.deviceName} (${engine.device}, ${engine.precision})`);
  const opened = await openModel(path);
  const model = size === undefined || protocol === 'finetune' ? opened : resizedModel(opened, size);
  const { train, test: held } = sourcesOf(model.config, data, test);
  if (held === null) throw new InputError(`${protocol} is measured on images with classes: give ${train === null && evaluationProtocols[protocol].learns ? '--data FOLDER and --test FOLDER' : '--test FOLDER'}, with a folder for each class`);
  const tell = (text: string): void => {
    if (!json) say(text);
  };
  const branch = options.branch ?? 'online';
  const measure = async (): Promise<Measured | null> => {
    const classSources = { train, test: held, classes: classes === undefined ? null : resolve(classes), allClasses: allClasses ?? false };
    if (protocol === 'classify') return { measured: await (await import('../evaluate/protocols/classify.ts')).classifyProtocol(model, classSources, branch, tell), model };
    if (protocol === 'robustness') return { measured: await (await import('../evaluate/protocols/robustness.ts')).robustnessProtocol(model, classSources, branch, { corruptions, levels, head, neighbours, seed }, tell), model };
    if (train === null) throw new InputError(`${protocol} learns from some images and is measured on others: give --data FOLDER too, with a folder for each class`);
    const sources = { train, test: held };
    if (protocol === 'finetune') return finetune(path, model, sources, options, engine.device);
    if (protocol === 'linear') {
      const { linearProtocol, linearRecipes } = await import('../evaluate/protocols/linear.ts');
      const known = linearRecipes.find((own) => own === recipe);
      if (recipe !== undefined && !known) throw new InputError(`linear has no recipe ${recipe}: give ${linearRecipes.join(', ')}`);
      return { measured: await linearProtocol(model, sources, branch, { recipe: known ?? null, epochs: epochs ?? null, batch: batch ?? null, seed }, tell), model };
    }
    const features = await frozen.frozenFeatures(model, sources, protocol === 'knn' ? 'class' : 'last-block', branch, tell);
    if (saveFeatures !== undefined) await frozen.saveFeatures(resolve(saveFeatures), features);
    return { measured: protocol === 'knn' ? frozen.neighboursProtocol(features, neighbours) : frozen.fewShotProtocol(features, { shots, seed, lambda: lambda ?? null }), model };
  };
  const outcome = await measure();
  if (!outcome) return;
  outcome.model.parameters.dispose();
  const { measured } = outcome, { imageSize } = outcome.model.model;
  if (report !== undefined) {
    const [{ evaluationPage }, { writeAtomically }, { methodLabel }] = await Promise.all([import('../evaluate/protocols/reportPage.ts'), import('../formats/atomic.ts'), import('../methods/recipes.ts')]);
    await writeAtomically(resolve(report), await evaluationPage(measured, `${shownName(path)}, ${model.config ? methodLabel(model.config.method) : methodName(model.method.name)}${protocol === 'finetune' ? '' : `, ${branch} branch`}`, new Date(), await sectionOf(measured)));
    if (!json) say(`report: ${pathToFileURL(resolve(report)).href}`);
  }
  const { tested: _tested, examples: _examples, ...result } = measured;
  if (json) return printJson({ checkpoint: path, branch, method: model.method.name, assumptions: model.assumptions, interval: '95 %, Wilson', engine: { name: engine.name, version: engine.version, device: engine.device, precision: engine.precision }, imageSize, ...result });
  const rate = ({ value, low, high }: { value: number; low: number; high: number }): string[] => [percent(value), `${percent(low)} to ${percent(high)}`];
  const { counts } = result;
  print(table([[protocol === 'robustness' ? 'as they are' : protocol, 'share', '95 % interval'], ['top-1', ...rate(result.top1)], ['top-5', ...rate(result.top5)]]));
  print(`${counts.train > 0 ? `${counts.train} training and ` : ''}${counts.test} test images of ${counts.classes} classes${counts.skipped > 0 ? `; ${counts.skipped} could not be read and are left out` : ''}.`);
  if (result.robustness) return print(robustnessText(result.robustness, result.settings));
  if (result.mostConfused.length > 0) print(table([['most often taken', 'for', 'images'], ...result.mostConfused.slice(0, 5).map(({ truth, predicted, count }) => [truth, predicted, String(count)])]));
}

interface Measured {
  measured: ProtocolResult & Partial<RobustnessResult>;
  model: OpenedModel;
}

/** A run that trains the whole model, in a folder of its own. Null where it was stopped. */
async function finetune(path: string, model: OpenedModel, sources: { train: string; test: string }, { run, recipe, epochs, batch, size, seed, branch, engine, precision, device, threads, json }: EvaluateOptions, computes: string): Promise<Measured | null> {
  const [{ finetuneProtocol }, { barWatcher, plainWatcher, silentWatcher }, { stopBySignals }] = await Promise.all([import('../evaluate/protocols/finetune.ts'), import('./progress.ts'), import('./signals.ts')]);
  const name = `${model.config?.name ?? basename(path, extname(path))}-finetune`;
  const folder = run === undefined ? resolve('runs', name) : resolve(run);
  const watcher = json ? silentWatcher : process.stderr.isTTY && process.env.TERM !== 'dumb' ? barWatcher(process.stderr) : plainWatcher();
  const stop = stopBySignals(() => watcher.close());
  const request = { ...(engine !== undefined && { engine }), ...(precision !== undefined && { precision }), ...(device !== undefined && { device }), ...(threads !== undefined && { threads }) };
  const outcome = await finetuneProtocol(model, path, basename(folder), sources, { recipe: recipe ?? null, epochs: epochs ?? null, batch: batch ?? null, size: size ?? null, seed, branch: branch ?? null, engine: request }, {
    folder, device: computes, stop: stop.signal, say: (text) => (json ? undefined : say(text)),
    onEvent: (event) => {
      watcher.onEvent(event);
      // What is measured after the run is measured anew by the same command: a signal may end it at once.
      if (event.kind === 'ended') stop.release();
    },
  }).finally(() => watcher.close());
  if (outcome.measured) return outcome;
  say(`stopped at step ${outcome.run.step}${outcome.run.error ? `: ${outcome.run.error.message}` : ''}; the same command goes on from ${relative('', folder)}`);
  process.exitCode = 1;
  return null;
}

async function evaluate(checkpoint: string, options: EvaluateOptions): Promise<void> {
  if (options.protocol !== undefined) return byProtocol(checkpoint, options.protocol, options);
  return besideUntrained(checkpoint, options);
}

async function besideUntrained(checkpoint: string, { data, test, branch = 'online', pairs: count, neighbours, engine: name, precision, device, threads, json }: EvaluateOptions): Promise<void> {
  const [{ runOf, loadCheckpoint, untrained }, { openEngine }, { openDataset }, { drawPairs }, probes, { pckRates }] = await Promise.all([
    import('../evaluate/load.ts'), import('../engines/choose.ts'), import('../data/dataset.ts'), import('../evaluate/pairs.ts'), import('../evaluate/probe.ts'), import('../evaluate/correspondence.ts'),
  ]);
  const path = resolve(checkpoint);
  const config = await runOf(path);
  const train = await openDataset(data === undefined ? config.data.train : resolve(data));
  const testSource = test === undefined ? config.data.test : resolve(test);
  const held = testSource === null || (data !== undefined && test === undefined) ? train : await openDataset(testSource);
  const engine = await openEngine({ engine: name, precision, device, threads });
  if (!json) say(`${engine.name} ${engine.version} on ${engine.deviceName} (${engine.device}, ${engine.precision})`);
  const pairs = await drawPairs(held, config.model, Math.min(count, Math.max(8, held.length)), config.seed + 1);
  const hasClasses = train.classes.length > 1 && held !== train;
  const labelled = hasClasses ? { train: await probes.loadLabelled(train, config.model, train.length), test: await probes.loadLabelled(held, config.model, held.length) } : null;
  const measure = async (m: Awaited<ReturnType<typeof loadCheckpoint>>) => {
    const correspondence = pckRates((await probes.probeCorrespondence(m, pairs, branch)).counts);
    const prediction = await probes.probePrediction(m, pairs);
    const knn = labelled && (await probes.probeNeighbours(m, labelled.train, labelled.test, train.classes.length, [neighbours], branch)).scores[0]!;
    m.parameters.dispose();
    return { pck: correspondence, prediction: prediction && pckRates(prediction), knn: knn && { k: knn.k, top1: knn.top1, top5: knn.top5 } };
  };
  const trained = await measure(await loadCheckpoint(path, config));
  const start = await measure(untrained(config.model, config.method, config.seed));
  const result = { checkpoint: path, branch, pairs: pairs.count, images: held.length, classes: train.classes.length, engine: { name: engine.name, version: engine.version, device: engine.device, precision: engine.precision }, trained, untrained: start };
  if (json) return printJson(result);
  const rows = [0, 1, 2].map((t) => [`PCK@${t}`, percent(start.pck.rates[t]!), percent(trained.pck.rates[t]!), percent(trained.pck.chance[t]!)]);
  if (trained.prediction && start.prediction) rows.unshift(['prediction, right patch', percent(start.prediction.rates[0]!), percent(trained.prediction.rates[0]!), percent(trained.prediction.chance[0]!)]);
  if (trained.knn && start.knn) rows.push([`${trained.knn.k}-NN top-1`, percent(start.knn.top1.value), percent(trained.knn.top1.value), percent(1 / train.classes.length)]);
  print(table([['', 'untrained', 'trained', 'chance'], ...rows]));
}

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .summary('measure a checkpoint')
    .description('Measures a checkpoint beside the same model untrained: correspondence between views of one image, and k-NN where there are classes and test images. With --protocol, by one of the published ones instead, whatever code the checkpoint is of.')
    .argument('<checkpoint>', 'a run folder (its newest checkpoint), a checkpoint in one, or a file of the authors\' code (with --protocol)')
    .option('--data <path>', 'images; default: the run\'s own')
    .option('--test <path>', 'test images with the same classes; default: the run\'s own')
    .addOption(choiceOption('--branch <name>', 'the encoder that is measured; default: online, with finetune the one that the method\'s authors evaluate', ['online', 'target']))
    .addOption(choiceOption('--protocol <name>', 'knn (DINO), few-shot (MSN: softmax regression on frozen features), linear (MAE, MoCo-v3, DINO: a classifier trained on augmented images), finetune (all of the encoder is trained, as a run), classify (a supervised or fine-tuned model as it is) or robustness (the same under the fifteen corruptions of ImageNet-C)', protocols))
    .addOption(shotsOption())
    .option('--lambda <number>', 'few-shot: weight decay; default: 0.1 over the number of labelled images', positive)
    .addOption(choiceOption('--recipe <name>', 'linear (mae, mocov3, dino), finetune: whose; default: that of the method\'s own paper', recipes))
    .option('--epochs <number>', 'linear, finetune: default: the recipe\'s, 50 to 200', wholeNumber(1))
    .option('--batch <number>', 'linear, finetune: images a step; default: the recipe\'s, or what few images allow', wholeNumber(2))
    .option('--seed <number>', 'few-shot: which images are labelled; linear: the crops; finetune: of the run; robustness: the noise', wholeNumber(0), 0)
    .option('--run <folder>', 'finetune: of the run, which is gone on with where it is there; default: runs/NAME-finetune')
    .option('--classes <file>', 'classify, robustness: the classes of the classifier\'s outputs, one a line; default: the folders of --data in order')
    .option('--all-classes', 'classify, robustness: predictions may be classes that the test images do not have; default: only those that they have')
    .addOption(choiceOption('--head <name>', 'robustness: what tells the class: the model\'s own classifier, or knn on frozen features', ['classifier', 'knn']).default('classifier'))
    .addOption(listOption('--corruptions <names>', 'robustness: some of them, with commas', corruptionNames))
    .addOption(listOption('--levels <numbers>', 'robustness: some of 1 to 5, with commas', corruptionLevels))
    .option('--size <pixels>', 'with --protocol: of the images, where not the model\'s own', wholeNumber(1))
    .option('--save-features <file>', 'with --protocol: write features and labels as safetensors')
    .option('--report <file>', 'with --protocol: write a page with the confusion matrix and pictures of mistakes')
    .option('--pairs <number>', 'pairs of views', wholeNumber(1), 256)
    .option('--neighbours <number>', 'that vote', wholeNumber(1), 20)
    .addOption(engineOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .option('--threads <number>', 'of the CPU\'s kernels; default: every core', wholeNumber(1))
    .addOption(torchOption())
    .addOption(jsonOption())
    .addHelpText(...example('siamscope evaluate runs/demo\nsiamscope evaluate mae.pth --protocol few-shot --data train --test val\nsiamscope evaluate runs/fine-tuned --protocol robustness --levels 1,3,5'))
    .action(evaluate);
}
