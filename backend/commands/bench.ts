/** `siamscope bench`: how fast this machine trains and loads. */
import type { Command } from 'commander';
import type { MethodConfig } from '../methods/registry.ts';
import { architectureNames, type ModelConfig } from '../nn/model.ts';
import { presetNames } from '../presets/index.ts';
import { choiceOption, deviceOption, engineOption, type engineNames, type precisionNames, jsonOption, precisionOption, torchOption, wholeNumber } from './arguments.ts';
import { example } from './example.ts';
import { print, printJson, table } from './terminal.ts';

interface DataOptions {
  seconds: number;
  workers?: number;
  json?: boolean;
}

const methodNames = ['siamese', 'mae', 'mocov3', 'dino', 'ibot', 'msn', 'densecl', 'beit', 'dvae', 'supervised'] as const satisfies MethodConfig['name'][];

const rounded = (value: number): string => String(Number(value.toPrecision(4)));

async function benchData(source: string, { seconds, workers, json }: DataOptions): Promise<void> {
  const { benchmarkData } = await import('../data/bench.ts');
  const { milliseconds, ...result } = await benchmarkData(source, { seconds, workers: workers ?? 'auto' });
  if (json) return printJson({ ...result, milliseconds });
  print(table([...Object.entries(result).map(([name, value]) => [name.replaceAll('_', ' '), rounded(value)]), ...Object.entries(milliseconds).map(([stage, value]) => [`${stage}, milliseconds an image`, rounded(value)])], ''));
}

export function addBench(program: Command): void {
  const bench = program.command('bench').summary('time training steps or loading').description('Times training steps or the loading of images on this machine.');
  bench
    .command('data')
    .summary('time decoding and augmentation')
    .description('Times the paper\'s two-view pipeline over a dataset: on one thread, then with workers.')
    .argument('<source>', 'the images: a folder, a .txt list, or a .tar archive')
    .option('--seconds <number>', 'for each of the two', wholeNumber(1), 10)
    .option('--workers <number>', 'threads; default: one core is left free', wholeNumber(1))
    .addOption(jsonOption())
    .addHelpText(...example('siamscope bench data photos/ --seconds 5'))
    .action(benchData);
  addBenchStep(bench);
}

interface StepOptions {
  preset?: string;
  method: MethodConfig['name'];
  arch: ModelConfig['arch'];
  batch: number;
  steps: number;
  warmUp: number;
  engine?: (typeof engineNames)[number];
  device?: string;
  precision?: (typeof precisionNames)[number];
  json?: boolean;
}

/** Times a preset's step, on random pixels. */
function addBenchStep(bench: Command): void {
  bench
    .command('step')
    .summary('time a training step')
    .description('Times the training step of a method or a recipe on random pixels, loading left out.')
    .addOption(choiceOption('--method <name>', 'what is trained, with its paper\'s options', methodNames).default('siamese'))
    .addOption(choiceOption('--arch <name>', 'the backbone', architectureNames).default('vit_small'))
    .addOption(choiceOption('--preset <name>', 'a recipe, in place of method and arch', presetNames))
    .option('--batch <number>', 'images a step', wholeNumber(1), 16)
    .option('--steps <number>', 'steps that are timed', wholeNumber(1), 5)
    .option('--warm-up <number>', 'steps before those', wholeNumber(1), 2)
    .addOption(engineOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(torchOption())
    .addOption(jsonOption())
    .addHelpText(...example('siamscope bench step --arch vit_small --batch 16 --precision bf16'))
    .action(benchStep);
}

async function benchStep({ preset, method: name, arch, batch, steps, warmUp, json, engine, device, precision }: StepOptions): Promise<void> {
  const [{ benchmarkStep }, { completeRun }, { openEngine }] = await Promise.all([import('../train/benchStep.ts'), import('../train/runFile.ts'), import('../engines/choose.ts')]);
  const recipe = preset === undefined ? { method: { name, ...(name === 'supervised' && { classes: 1000 }) }, model: { arch }, schedule: { steps: 1 } } : { preset };
  const { model, method } = completeRun({ ...recipe, name: 'bench', data: { train: '.' } }, { folder: '' });
  const result = await benchmarkStep(await openEngine({ engine, device, precision }), { model, method, batch, steps, warmUp });
  if (json) return printJson(result);
  const { seconds: _seconds, tensors_after_each_step: _tensors, ...shown } = result;
  print(table(Object.entries(shown).map(([name, value]) => [name.replaceAll('_', ' '), typeof value === 'number' ? rounded(value) : String(value ?? 'unknown')]), ''));
}
