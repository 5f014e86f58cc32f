/** `siamscope inspect`: what is in a file of tensors, from its header alone. */
import type { Command } from 'commander';
import { jsonOption } from './arguments.ts';
import { example } from './example.ts';
import { print, printJson } from './terminal.ts';

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .summary('show what a checkpoint holds')
    .description('Shows what a checkpoint holds (.safetensors or .pth). Nothing in it is run.')
    .argument('<file>', 'a file of tensors, or the folder of a checkpoint or run')
    .addOption(jsonOption())
    .addHelpText(...example('siamscope inspect runs/tiny/checkpoints/40/model.safetensors'))
    .action(async (file: string, options: { json?: boolean }) => {
      const [{ inspectTensorFile, formatInspection }, { modelFileOf }] = await Promise.all([import('../formats/inspect.ts'), import('../train/checkpoint.ts')]);
      const inspection = await inspectTensorFile(await modelFileOf(file));
      if (options.json) printJson(inspection);
      else print(formatInspection(inspection, process.stdout.columns || 80));
    });
}
