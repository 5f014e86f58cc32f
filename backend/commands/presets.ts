/** `siamscope presets`: the recipes there are, or one of them in full. */
import { Argument, type Command } from 'commander';
import { InputError } from '../errors.ts';
import { noPreset, presetNames, presets, presetSummaries } from '../presets/index.ts';
import { jsonOption } from './arguments.ts';
import { example } from './example.ts';
import { print, printJson, table } from './terminal.ts';

export function addPresets(program: Command): void {
  program
    .command('presets')
    .summary('list the recipes')
    .description('Lists the recipes that a run file can start from, or prints one.')
    .addArgument(new Argument('[name]', 'print this one').choices(presetNames).argParser((name: string) => name))
    .addOption(jsonOption())
    .addHelpText(...example('siamscope presets\nsiamscope presets siamese-vit-base'))
    .action((name: string | undefined, options: { json?: boolean }) => {
      if (name !== undefined) {
        if (!presetNames.includes(name)) throw new InputError(noPreset(name));
        printJson(presets[name]);
      } else if (options.json) printJson(Object.entries(presetSummaries).map(([preset, summary]) => ({ preset, summary })));
      else print(table(Object.entries(presetSummaries), ''));
    });
}
