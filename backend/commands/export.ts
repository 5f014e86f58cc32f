/** `siamscope export`: an encoder that timm loads, out of a checkpoint. */
import type { Command } from 'commander';
import { choiceOption, jsonOption, wholeNumber } from './arguments.ts';
import { example } from './example.ts';
import { print, printJson, say } from './terminal.ts';

interface ExportOptions {
  branch: 'online' | 'target';
  heads?: number;
  json?: boolean;
}

export function addExport(program: Command): void {
  program
    .command('export')
    .summary('write the encoder as timm loads it')
    .description('Writes the encoder of a checkpoint as safetensors, under the names that timm\'s VisionTransformer or ResNet uses.')
    .argument('<checkpoint>', 'a .safetensors or .pth file, or the folder of a checkpoint or run')
    .argument('<output>', 'the file to write')
    .addOption(choiceOption('--branch <name>', 'target is the moving average of online', ['online', 'target']).default('online'))
    .option('--heads <number>', 'attention heads, where no run configuration says', wholeNumber(1))
    .addOption(jsonOption())
    .addHelpText(...example('siamscope export runs/tiny encoder.safetensors'))
    .action(async (checkpoint: string, output: string, { branch, heads, json }: ExportOptions) => {
      const [{ exportBackbone }, { modelFileOf }] = await Promise.all([import('../evaluate/export.ts'), import('../train/checkpoint.ts')]);
      const result = await exportBackbone(await modelFileOf(checkpoint), output, { branch, heads });
      if (json) return printJson(result);
      for (const warning of result.warnings) say(`warning: ${warning}`);
      print(`${result.output}: ${result.tensors} tensors, ${(result.bytes / 1e6).toFixed(1)} MB`);
      say(`in Python: timm.create_model("${result.timmModel}", **${pythonLiteral(result.timmArguments)})`);
    });
}

const pythonLiteral = (value: unknown): string => JSON.stringify(value).replace(/\btrue\b/g, 'True').replace(/\bfalse\b/g, 'False').replace(/\bnull\b/g, 'None');
