/** `siamscope parity`: whether this machine's engine computes what the authors' code computed. */
import type { Command } from 'commander';
import { deviceOption, engineOption, jsonOption, precisionOption, torchOption, type engineNames, type precisionNames } from './arguments.ts';
import { example } from './example.ts';
import { print, printJson, say, table } from './terminal.ts';

interface ParityOptions {
  engine?: (typeof engineNames)[number];
  precision?: (typeof precisionNames)[number];
  device?: string;
  json?: boolean;
}

async function parity(folder: string, { engine: name, precision, device, json }: ParityOptions): Promise<void> {
  const [{ runParity }, { openEngine }] = await Promise.all([import('../train/parity.ts'), import('../engines/choose.ts')]);
  const engine = await openEngine({ engine: name, precision: precision ?? 'fp32', device });
  const result = await runParity(folder);
  if (json) return printJson(result);
  say(`${engine.name} ${engine.version} on ${engine.deviceName} (${engine.device}, ${engine.precision})`);
  print(`greatest relative error\n${table(Object.entries(result.errors).map(([kind, error]) => [kind.replaceAll('_', ' '), error.toExponential(2), result.worst[kind] ?? '']))}`);
}

export function addParity(program: Command): void {
  program
    .command('parity')
    .summary('compare with golden numbers')
    .description('Takes the steps that a folder of golden numbers describes, and compares losses, gradients and parameters.')
    .argument('<folder>', 'holds model.pth, batch.safetensors and expected.json')
    .addOption(engineOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(torchOption())
    .addOption(jsonOption())
    .addHelpText(...example('siamscope parity test/fixtures/reference/siamese-0 --engine torch'))
    .action(parity);
}
