/** `siamscope doctor`: what this machine can train with, and what to do where something is missing. */
import type { Command } from 'commander';
import { deviceOption, jsonOption, torchOption } from './arguments.ts';
import { example } from './example.ts';
import { print, printJson } from './terminal.ts';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('check what this machine can train with')
    .description('Opens every engine in a process of its own, times it, and says what is missing.')
    .addOption(torchOption())
    .addOption(deviceOption())
    .addOption(jsonOption())
    .addHelpText(...example('siamscope doctor'))
    .action(async ({ device, json }: { device?: string; json?: boolean }) => {
      const { diagnose, formatDiagnosis } = await import('../doctor.ts');
      const diagnosis = await diagnose({ device });
      if (json) printJson(diagnosis);
      else print(formatDiagnosis(diagnosis, process.stdout.columns || 80));
      if (diagnosis.chosen === null) process.exitCode = 1;
    });
}
