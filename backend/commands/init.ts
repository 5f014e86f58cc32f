/** `siamscope init`: a run file to begin with. */
import type { Command } from 'commander';
import { basename, dirname, extname, isAbsolute, relative, resolve, sep } from 'node:path';
import { InputError } from '../errors.ts';
import { presetNames, presets } from '../presets/index.ts';
import { choiceOption } from './arguments.ts';
import { example } from './example.ts';
import { print, say } from './terminal.ts';

interface InitOptions {
  preset: string;
  data: string;
  name?: string;
  force?: boolean;
}

const ending = '.siam.json';

/** Paths inside the run file's folder are written relative to it, so that the folder can be moved. */
function portable(path: string, folder: string): string {
  const inside = relative(folder, path);
  return isAbsolute(inside) || inside.startsWith('..') ? path : inside.split(sep).join('/') || '.';
}

/** Writes a run file and gives its path. Throws InputError. */
export async function init(file: string, options: InitOptions): Promise<string> {
  const [{ stat }, { writeAtomically }, { completeRun }] = await Promise.all([import('node:fs/promises'), import('../formats/atomic.ts'), import('../train/runFile.ts')]);
  const exists = (path: string) => stat(path).then(() => true, () => false);
  const path = resolve(extname(file) === '.json' ? file : `${file}${ending}`);
  const folder = dirname(path);
  const data = resolve(options.data);
  if (!options.force && (await exists(path))) throw new InputError(`${path} exists: give another name, or --force to replace it`);
  if (!(await exists(data)) && !/\.tar[\\/]/.test(data)) throw new InputError(`there are no images at ${data}: give --data a folder, a .txt list or a .tar archive`);
  const { schedule, batch } = presets[options.preset]!;
  const run = { preset: options.preset, name: options.name ?? basename(path).replace(/(\.siam)?\.json$/, ''), data: { train: portable(data, folder) }, schedule, batch };
  completeRun(run, { folder, place: () => path });
  await writeAtomically(path, `${JSON.stringify(run, null, 2)}\n`).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path} cannot be written (${error.code})`, { cause: error });
  });
  return path;
}

export function addInit(program: Command): void {
  program
    .command('init')
    .summary('write a run file')
    .description('Writes a run file: a recipe, your images, and how long to train.')
    .argument('<file>', `the run file to write; "${ending}" is added where it has no ending`)
    .addOption(choiceOption('--preset <name>', 'the recipe', presetNames).default('tiny'))
    .requiredOption('--data <path>', 'the images: a folder, a .txt list, or a .tar archive')
    .option('--name <name>', 'of the run and its folder; default: the file\'s')
    .option('--force', 'replace an existing file')
    .addHelpText(...example('siamscope init flowers.siam.json --preset tiny --data photos/flowers'))
    .action(async (file: string, options: InitOptions) => {
      const path = await init(file, options);
      print(path);
      say(`start it with: siamscope train ${relative('', path)}`);
    });
}
