/** The tree of commands. Each file of this folder adds one; what a command needs is loaded when it runs, so that help is instant. */
import { Command } from 'commander';
import { addBench } from './bench.ts';
import { addCompletion } from './completion.ts';
import { addCorrespond } from './correspond.ts';
import { addDemo } from './demo.ts';
import { addDoctor } from './doctor.ts';
import { addEngine } from './engine.ts';
import { addEvaluate } from './evaluate.ts';
import { addExport } from './export.ts';
import { addInit } from './init.ts';
import { addInspect } from './inspect.ts';
import { addParity } from './parity.ts';
import { addPresets } from './presets.ts';
import { addSchema } from './schema.ts';
import { addServe } from './serve.ts';
import { addStudy } from './study.ts';
import { addTokenizer } from './tokenizer.ts';
import { addTrain } from './train.ts';
import { version } from './version.ts';

export function buildProgram(): Command {
  const program = new Command('siamscope')
    .description('Self-supervised vision on your own machine: train, watch, and look inside.')
    .version(version, '-V, --version', 'print the version')
    .showHelpAfterError('(see --help)')
    // Names alone: with arguments and options the list does not fit 80 columns.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .addHelpText('after', '\nExample:\n  siamscope init tiny.siam.json --preset tiny --data photos/\n  siamscope train tiny.siam.json');
  for (const add of [addInit, addPresets, addTrain, addDemo, addEvaluate, addCorrespond, addInspect, addExport, addTokenizer, addParity, addStudy, addEngine, addDoctor, addBench, addSchema, addServe, addCompletion]) add(program);
  for (const command of everyCommand(program)) command.exitOverride().helpCommand(false).helpOption('-h, --help', 'show help');
  return program;
}

/** The command and all below it. */
export function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap((below) => everyCommand(below))];
}
