/** `siamscope tokenizer`: a dVAE for BEiT, from images to the file that a run names. Its training is a run like any other. */
import type { Command } from 'commander';
import { basename } from 'node:path';
import { InputError } from '../errors.ts';
import { choiceOption, collect, deviceOption, engineOption, jsonOption, precisionOption, torchOption } from './arguments.ts';
import { example } from './example.ts';
import { init } from './init.ts';
import { print, printJson, say } from './terminal.ts';
import { train, type TrainOptions } from './train.ts';

interface TokenizerOptions extends TrainOptions {
  out: string;
  data?: string;
  preset: string;
}

/** The folder of the trained run, or the checkpoint that was given; null where training was stopped before its end. */
async function trained(source: string | undefined, { out, data, preset, ...options }: TokenizerOptions): Promise<string | null> {
  if ((source === undefined) === (data === undefined)) throw new InputError('give a run file, or the folder of a run, or --data with images: one of them');
  if (source !== undefined && !/\.json$/i.test(source)) return source;
  const file = source ?? (await init(out.replace(/\.safetensors$/i, ''), { preset, data: data!, name: basename(out).replace(/\.safetensors$/i, '') }));
  if (source === undefined && !options.json && !options.quiet) say(`${file}: continue it, where it is stopped, with "siamscope tokenizer ${file} --resume --out ${out}"`);
  const { loadRun } = await import('../train/runFile.ts');
  const { method } = await loadRun(file, options.set);
  if (method.name !== 'dvae') throw new InputError(`${file} trains method ${method.name}, and a tokenizer is trained by method dvae: use the preset tokenizer or tokenizer-tiny`);
  const { folder, state } = await train(file, options);
  return state === 'done' ? folder : null;
}

async function tokenizer(source: string | undefined, options: TokenizerOptions): Promise<void> {
  const checkpoint = await trained(source, options);
  if (checkpoint === null) return;
  const { exportTokenizer } = await import('../evaluate/exportTokenizer.ts');
  const result = await exportTokenizer(checkpoint, options.out);
  if (options.json) return printJson(result);
  print(`${result.output}: ${(result.bytes / 1e6).toFixed(1)} MB`);
  say(`in a run file: "method": ${JSON.stringify(result.method)}`);
}

export function addTokenizer(program: Command): void {
  program
    .command('tokenizer')
    .summary('train a tokenizer for BEiT')
    .description('Trains a dVAE on your images and writes its encoder, whose codes BEiT then learns to tell. The training is a run as any other: it is watched, stopped and resumed as such.')
    .argument('[source]', 'a run file of method dvae to train, or a run folder or checkpoint whose encoder is to be written')
    .requiredOption('--out <file>', 'the file to write (.safetensors)')
    .option('--data <path>', 'images: writes the run file beside --out and trains it')
    .addOption(choiceOption('--preset <name>', 'with --data: the recipe', ['tokenizer', 'tokenizer-tiny']).default('tokenizer'))
    .option('--resume', 'go on from the newest checkpoint')
    .option('--now', 'do not wait for other runs on the same device')
    .option('--quiet', 'print nothing but errors and the file')
    .option('--set <key.path=value>', 'override a value of the run file; may be given often', collect)
    .addOption(engineOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(torchOption())
    .addOption(jsonOption('print every event, and the result, as a JSON line'))
    .addHelpText(...example('siamscope tokenizer --data photos/ --out codes.safetensors\nsiamscope tokenizer runs/codes --out codes.safetensors'))
    .action(tokenizer);
}
