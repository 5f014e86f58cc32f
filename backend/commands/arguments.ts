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

/** An option that takes some of a fixed set of values, separated by commas; by default all. They come in the set's own order. */
export function listOption<T extends string | number>(flags: string, description: string, choices: readonly T[]): Option {
  const names = choices.map(String);
  return new Option(flags, description).default(choices, 'all').argParser((text: string): T[] => {
    const given = text.split(',').map((name) => name.trim());
    const unknown = given.find((name) => !names.includes(name));
    const near = unknown === undefined ? null : nearest(unknown, names);
    if (unknown !== undefined) throw new InvalidArgumentError(`There is no "${unknown}" among ${names.join(', ')}.${near === null ? '' : ` Did you mean "${near}"?`}`);
    return choices.filter((choice) => given.includes(String(choice)));
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

/** A number above 0. */
export function positive(value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number)) throw new InvalidArgumentError('Give a number above 0.');
  return number;
}

/** How many labelled images a class gives: "5", or "1%" of what it has. */
export const shotsOption = (): Option =>
  new Option('--shots <number>', 'few-shot: labelled images of a class, or a share of them as in "1%"').default({ share: 0.01 }, '1%').argParser((value: string) => {
    const share = /^(\d+(?:\.\d+)?)\s*%$/.exec(value);
    if (share && Number(share[1]) > 0 && Number(share[1]) <= 100) return { share: Number(share[1]) / 100 };
    if (/^[1-9]\d{0,8}$/.test(value)) return { perClass: Number(value) };
    throw new InvalidArgumentError('Give a whole number of images, at least 1, or a share such as 1%.');
  });
