#!/usr/bin/env node
/** The command `siamscope`: parses the command line, runs one command, and turns errors into one clear message and an exit code. */
import { CommanderError } from 'commander';
import { buildProgram } from './commands/program.ts';
import { InputError, RunError } from './errors.ts';
import { style } from './commands/terminal.ts';

/** 0: done. 1: the run failed or was stopped. 2: wrong use, or input that was refused. */
function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof InputError ? 2 : 1;
}

function report(error: unknown): void {
  // Commander has said it already.
  if (error instanceof CommanderError) return;
  const { message, stack } = error as Error;
  const expected = error instanceof InputError || error instanceof RunError;
  process.stderr.write(`${style(process.stderr, 'red', 'error:')} ${expected ? message : `${stack ?? message}\nThis should not happen: please report it with the lines above.`}\n`);
}

// A reader that goes away (`| head`) is no reason to stop a run.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  await buildProgram().parseAsync();
} catch (error) {
  report(error);
  process.exitCode = exitCode(error);
}
