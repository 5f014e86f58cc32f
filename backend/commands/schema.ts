/** `siamscope schema`: the run file's JSON Schema, for editors. */
import type { Command } from 'commander';
import { example } from './example.ts';
import { printJson } from './terminal.ts';

export function addSchema(program: Command): void {
  program
    .command('schema')
    .summary('print the JSON Schema of run files')
    .description('Prints the JSON Schema of run files, from which editors complete and check them.')
    .addHelpText(...example('siamscope schema > siam.schema.json'))
    .action(async () => {
      const [{ runJsonSchema }, { presetSummaries }] = await Promise.all([import('../train/jsonSchema.ts'), import('../presets/index.ts')]);
      printJson(runJsonSchema(presetSummaries));
    });
}
