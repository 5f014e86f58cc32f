/** `siamscope correspond`: which patch of one image a checkpoint takes for which patch of another. */
import type { Command } from 'commander';
import { resolve } from 'node:path';
import { choiceOption, deviceOption, engineOption, jsonOption, precisionOption, torchOption, wholeNumber, type engineNames, type precisionNames } from './arguments.ts';
import { example } from './example.ts';
import { print, printJson, say, table } from './terminal.ts';

interface CorrespondOptions {
  branch: 'online' | 'target';
  layer: string;
  pairs: number;
  seed: number;
  heads?: number;
  size?: number;
  full?: boolean;
  png?: string;
  engine?: (typeof engineNames)[number];
  precision?: (typeof precisionNames)[number];
  device?: string;
  json?: boolean;
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const number = (value: number): number => Number(value.toPrecision(7));

async function correspond(checkpoint: string, a: string, b: string | undefined, options: CorrespondOptions): Promise<void> {
  const { branch, pairs, seed, heads, size, full, png, engine: name, precision, device, json } = options;
  const [{ openModel }, { openEngine }, { correspondImages, correspondViews }, { parseLayer, layerName }, { resizedModel }] = await Promise.all([
    import('../evaluate/load.ts'), import('../engines/choose.ts'), import('../evaluate/correspond.ts'), import('../evaluate/layers.ts'), import('../evaluate/resize.ts'),
  ]);
  const layer = parseLayer(options.layer);
  const engine = await openEngine({ engine: name, precision, device });
  const opened = await openModel(resolve(checkpoint), heads);
  const model = size === undefined ? opened : resizedModel(opened, size);
  for (const assumption of model.assumptions) say(`assumed: ${assumption}`);
  const result = b === undefined ? await correspondViews(model, resolve(a), pairs, seed, branch, layer) : await correspondImages(model, resolve(a), resolve(b), branch, layer);
  model.parameters.dispose();
  if (png !== undefined) await (await import('../evaluate/correspondPicture.ts')).correspondencePicture(resolve(png), result);
  const { measured } = result;
  if (json)
    return printJson({
      checkpoint: resolve(checkpoint), method: model.method.name, branch, layer: layerName(layer), a, b: b ?? null, grid: result.grid,
      best: [...result.best], similarity: Array.from(result.similarity, number), mutual: [...result.mutual],
      ...(full ? { similarities: Array.from(result.best, (_, row) => Array.from(result.similarities.subarray(row * result.best.length, (row + 1) * result.best.length), number)) } : {}),
      ...(measured && { pairs: measured.pairs, seed, pck: measured.pck }),
      engine: { name: engine.name, version: engine.version, device: engine.device, precision: engine.precision },
    });
  const mean = result.similarity.reduce((sum, v) => sum + v, 0) / result.similarity.length;
  print(table([
    ['grid', `${result.grid[0]} x ${result.grid[1]} patches`],
    ['features', `${layerName(layer)}, ${branch} branch`],
    ['mean cosine of the matches', mean.toFixed(3)],
    ['mutual matches', percent(result.mutual.reduce((sum, v) => sum + v, 0) / result.mutual.length)],
  ], ''));
  if (measured) print(`\n${table([['', `${measured.pairs} pairs of views`, 'chance'], ...[0, 1, 2].map((t) => [`PCK@${t}`, percent(measured.pck.rates[t]!), percent(measured.pck.chance[t]!)])])}`);
  if (png !== undefined) say(`wrote ${png}`);
}

export function addCorrespond(program: Command): void {
  program
    .command('correspond')
    .summary('match the patches of two images')
    .description('Matches every patch of one image to another by a checkpoint\'s features. With one image alone: views of it, whose true matches are known.')
    .argument('<checkpoint>', 'a run folder (its newest checkpoint), a checkpoint in one, or a .pth or .safetensors file of any of the methods, ours or the official code\'s')
    .argument('<a>', 'an image; one of the model\'s own size is taken as it is, others by the evaluation crop')
    .argument('[b]', 'another image; left out: pairs of views of the first')
    .addOption(choiceOption('--branch <name>', 'the branch that is looked at', ['online', 'target']).default('online'))
    .option('--layer <name>', 'encoder, block:N (from 0), projector, or prediction', 'encoder')
    .option('--pairs <number>', 'pairs of views of one image', wholeNumber(1), 64)
    .option('--seed <number>', 'of the views', wholeNumber(0), 0)
    .option('--heads <number>', 'attention heads of a checkpoint without a run', wholeNumber(1))
    .option('--size <pixels>', 'of the images, where not the model\'s own', wholeNumber(1))
    .option('--png <file>', 'write a picture of the matches')
    .option('--full', 'with --json: every cosine, not only the matches\'')
    .addOption(engineOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(torchOption())
    .addOption(jsonOption())
    .addHelpText(...example('siamscope correspond runs/demo photo.jpg other.jpg --png matches.png'))
    .action(correspond);
}
