/** `siamscope evaluate`: what a checkpoint's features are worth, with nothing trained on top of them. */
import type { Command } from 'commander';
import { resolve } from 'node:path';
import { choiceOption, deviceOption, engineOption, jsonOption, precisionOption, torchOption, wholeNumber, type engineNames, type precisionNames } from './arguments.ts';
import { example } from './example.ts';
import { print, printJson, say, table } from './terminal.ts';

interface EvaluateOptions {
  data?: string;
  test?: string;
  branch: 'online' | 'target';
  pairs: number;
  neighbours: number;
  engine?: (typeof engineNames)[number];
  precision?: (typeof precisionNames)[number];
  device?: string;
  json?: boolean;
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

async function evaluate(checkpoint: string, { data, test, branch, pairs: count, neighbours, engine: name, precision, device, json }: EvaluateOptions): Promise<void> {
  const [{ runOf, loadCheckpoint, untrained }, { openEngine }, { openDataset }, { drawPairs }, probes, { pckRates }] = await Promise.all([
    import('../evaluate/load.ts'), import('../engines/choose.ts'), import('../data/dataset.ts'), import('../evaluate/pairs.ts'), import('../evaluate/probe.ts'), import('../evaluate/correspondence.ts'),
  ]);
  const path = resolve(checkpoint);
  const config = await runOf(path);
  const train = await openDataset(data === undefined ? config.data.train : resolve(data));
  const testSource = test === undefined ? config.data.test : resolve(test);
  const held = testSource === null || (data !== undefined && test === undefined) ? train : await openDataset(testSource);
  const engine = await openEngine({ engine: name, precision, device });
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
    .description('Measures a checkpoint beside the same model untrained: correspondence between views of one image, and k-NN where there are classes and test images.')
    .argument('<checkpoint>', 'a run folder (its newest checkpoint), or a checkpoint in one')
    .option('--data <path>', 'images; default: the run\'s own')
    .option('--test <path>', 'test images with the same classes; default: the run\'s own')
    .addOption(choiceOption('--branch <name>', 'the encoder that is measured', ['online', 'target']).default('online'))
    .option('--pairs <number>', 'pairs of views', wholeNumber(1), 256)
    .option('--neighbours <number>', 'that vote', wholeNumber(1), 20)
    .addOption(engineOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(torchOption())
    .addOption(jsonOption())
    .addHelpText(...example('siamscope evaluate runs/demo'))
    .action(evaluate);
}
