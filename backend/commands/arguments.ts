/** Options that several commands share, and values that are checked as they are parsed. */
import { InvalidArgumentError, Option } from 'commander';
import { nearest } from '../nearest.ts';

/** An option with a fixed set of values; a mistyped one is told the nearest. */
export function choiceOption(flags: string, description: string, choices: readonly string[]): Option {
  const option = new Option(flags, description).choices(choices);
  return option.argParser((value: string) => {
    if (choices.includes(value)) return value;
    const near = nearest(value, choices);
    throw new InvalidArgumentError(`There are ${choices.join(', ')}.${near === null ? '' : ` Did you mean "${near}"?`}`);
  });
}

export const engineNames = ['auto', 'torch', 'tensorflow', 'wasm'] as const;
export const precisionNames = ['auto', 'fp32', 'bf16'] as const;

export const engineOption = (): Option => choiceOption('--engine <name>', 'what computes', engineNames);
export const precisionOption = (): Option => choiceOption('--precision <type>', 'of matrix products and activations', precisionNames);
export const deviceOption = (): Option => new Option('--device <name>', 'auto, cpu, cuda, cuda:1, mps or xpu');
/** libtorch's place is taken from the command line and the environment alone: a run file, which may be anybody's, cannot name a library to load. */
export const torchOption = (): Option =>
  new Option('--torch <path>', 'the libtorch to use: a wheel\'s "torch" folder, or its "lib"').argParser((path: string) => {
    process.env.SIAMSCOPE_TORCH = path;
    return path;
  });
export const jsonOption = (description = 'print JSON'): Option => new Option('--json', description);

/** A whole number of at least `least`. */
export const wholeNumber = (least: number) => (value: string): number => {
  const number = Number(value);
  if (!Number.isInteger(number) || number < least || value.trim() === '') throw new InvalidArgumentError(`Give a whole number, at least ${least}.`);
  return number;
};

/** For options that may be given several times. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];
