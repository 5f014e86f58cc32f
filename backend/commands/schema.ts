/** `siamscope schema`: the JSON Schemas of run files and study files, for editors. */
import type { Command } from 'commander';
import { InputError } from '../errors.ts';
import { example } from './example.ts';
import { print, printJson } from './terminal.ts';

export function addSchema(program: Command): void {
  program
    .command('schema')
    .summary('print the JSON Schema of run files')
    .description('Prints the JSON Schema of run files, from which editors complete and check them.')
    .option('--study', 'that of study files')
    .option('--markdown', 'print it as a page for people')
    .addHelpText(...example('siamscope schema > siam.schema.json'))
    .action(async ({ markdown, study }: { markdown?: boolean; study?: boolean }) => {
      if (study) {
        if (markdown) throw new InputError('--markdown is about run files; docs/study.md has the study file\'s keys');
        const [{ studyJsonSchema }, { presetSummaries }] = await Promise.all([import('../study/jsonSchema.ts'), import('../presets/index.ts')]);
        return printJson(studyJsonSchema(presetSummaries));
      }
      const [{ runJsonSchema }, { schemaText }, { presetSummaries }] = await Promise.all([import('../train/jsonSchema.ts'), import('../train/schemaText.ts'), import('../presets/index.ts')]);
      const schema = runJsonSchema(presetSummaries);
      if (markdown) print(schemaText(schema));
      else printJson(schema);
    });
}
