/** `siamscope schema`: the run file's JSON Schema, for editors. */
import type { Command } from 'commander';
import { example } from './example.ts';
import { print, printJson } from './terminal.ts';

export function addSchema(program: Command): void {
  program
    .command('schema')
    .summary('print the JSON Schema of run files')
    .description('Prints the JSON Schema of run files, from which editors complete and check them.')
    .option('--markdown', 'print it as a page for people')
    .addHelpText(...example('siamscope schema > siam.schema.json'))
    .action(async ({ markdown }: { markdown?: boolean }) => {
      const [{ runJsonSchema }, { schemaText }, { presetSummaries }] = await Promise.all([import('../train/jsonSchema.ts'), import('../train/schemaText.ts'), import('../presets/index.ts')]);
      const schema = runJsonSchema(presetSummaries);
      if (markdown) print(schemaText(schema));
      else printJson(schema);
    });
}
