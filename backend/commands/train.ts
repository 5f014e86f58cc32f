/** `siamscope train`: runs a run file to its end, or until it is stopped. */
import type { Command } from 'commander';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import type { RunConfig } from '../train/config.ts';
import type { RunOutcome } from '../train/loop.ts';
import { collect, deviceOption, engineOption, jsonOption, precisionOption, torchOption } from './arguments.ts';
import { example } from './example.ts';
import { barWatcher, jsonWatcher, plainWatcher, silentWatcher, type Watcher } from './progress.ts';
import { stopBySignals } from './signals.ts';
import { duration, print, printJson, say } from './terminal.ts';

export interface TrainOptions {
  run?: string;
  resume?: boolean;
  set?: string[];
  engine?: string;
  device?: string;
  precision?: string;
  json?: boolean;
  check?: boolean;
  detach?: boolean;
  now?: boolean;
  quiet?: boolean;
}

/** The short options as overrides, after the explicit ones. */
function overrides({ set = [], engine, device, precision }: TrainOptions): string[] {
  return [...set, ...Object.entries({ engine, device, precision }).flatMap(([key, value]) => (value === undefined ? [] : [`engine.${key}=${value}`]))];
}

const watcherFor = ({ json, quiet }: TrainOptions): Watcher => (quiet ? silentWatcher : json ? jsonWatcher : process.stderr.isTTY && process.env.TERM !== 'dumb' ? barWatcher(process.stderr) : plainWatcher());

/** The configuration, and the run folder that the options name. Throws InputError. */
async function prepare(file: string, options: TrainOptions): Promise<{ config: RunConfig; folder: string; path: string; inFolder: boolean }> {
  const [{ loadRun }, { isRunFolder }] = await Promise.all([import('../train/runFile.ts'), import('../train/folder.ts')]);
  const path = resolve(file);
  const inFolder = await isRunFolder(path);
  if (inFolder && !options.resume) throw new InputError(`${file} is the folder of a run: continue it with --resume, or give a run file`);
  const config = await loadRun(inFolder ? join(path, 'config.json') : path, overrides(options));
  return { config, path, inFolder, folder: options.run !== undefined ? resolve(options.run) : inFolder ? path : join(dirname(path), 'runs', config.name) };
}

async function detach(file: string, options: TrainOptions): Promise<void> {
  const [{ startDetached }, { readStatus }, { path, folder }] = await Promise.all([import('./detach.ts'), import('../link/status.ts'), prepare(file, options)]);
  const flags = [...(options.resume ? ['--resume'] : []), ...(options.now ? ['--now'] : []), ...overrides(options).flatMap((set) => ['--set', set])];
  const pid = await startDetached(['train', path, '--run', folder, '--quiet', ...flags], folder, async (own) => (await readStatus(folder))?.pid === own);
  if (options.json) return printJson({ run: folder, pid, state: (await readStatus(folder))?.state ?? 'starting' });
  print(relative('', folder) || '.');
  say(`runs as process ${pid}; stop it with: kill ${pid}`);
}

/** Trains a run file to its end, or until it is stopped: then `state` says so, and the exit code is 1. Throws where the run fails. */
export async function train(file: string, options: TrainOptions): Promise<{ folder: string; state: RunOutcome['state'] }> {
  const { TrainingThread } = await import('../train/trainingThread.ts');
  // The thread loads its code while the run file is read.
  const thread = new TrainingThread();
  try {
    const [{ trainRun }, { methodLabel }, { config, folder, inFolder }] = await Promise.all([import('../train/loop.ts'), import('../methods/recipes.ts'), prepare(file, options)]);
    const isSilent = options.json || options.quiet;
    const watcher = watcherFor(options);
    const stop = stopBySignals(() => {
      watcher.close();
      if (!isSilent) say('stopping after this step and saving; once more to stop at once');
    });
    if (!isSilent) say(`${config.name}: ${methodLabel(config.method)}, ${config.model.arch}, ${relative('', config.data.train) || '.'} -> ${relative('', folder)}`);
    const outcome = await trainRun({ config, folder, resume: options.resume ?? false, thread, stop: stop.signal, now: options.now ?? false, onEvent: (event) => watcher.onEvent(event) }).finally(() => watcher.close());
    stop.release();
    conclude(outcome, folder, `siamscope train ${inFolder || options.run === undefined ? file : `${file} --run ${options.run}`} --resume`, options);
    return { folder, state: outcome.state };
  } finally {
    await thread.close();
  }
}

/** Says how the run ended. Throws where it failed, for the exit code. */
function conclude({ state, step, error, wedged, elapsedSeconds }: RunOutcome, folder: string, resumeCommand: string, { json, quiet }: TrainOptions): void {
  if (wedged) {
    // A native call that never returns keeps its thread, and with it the process: only the system ends it.
    say(`${error!.message}; earlier checkpoints are whole. Resume with: ${resumeCommand}`);
    process.kill(process.pid, 'SIGKILL');
  }
  if (state === 'failed') throw error!;
  if (state === 'stopped') {
    if (!quiet) say(`stopped at step ${step}${error ? `, and what was computed since the last checkpoint could not be saved: ${error.message}` : ''}; resume with:\n  ${resumeCommand}`);
    process.exitCode = 1;
  } else if (!json && !quiet) print(`done: ${step} steps in ${duration(elapsedSeconds)}, ${join(relative('', folder) || basename(folder), 'checkpoints', String(step))}`);
}

export function addTrain(program: Command): void {
  program
    .command('train')
    .summary('train a run file')
    .description('Trains a run file. Ctrl-C finishes the step, saves and ends; --resume goes on from there to the same result.')
    .argument('<file>', 'the run file (*.siam.json), or with --resume the folder of a run')
    .option('--run <folder>', 'the run folder; default: runs/NAME beside the file')
    .option('--resume', 'go on from the newest checkpoint')
    .option('--detach', 'start it in a process of its own and return; it outlives this terminal')
    .option('--now', 'do not wait for other runs on the same device')
    .option('--quiet', 'print nothing but errors')
    .option('--check', 'only say what is wrong with the file, or what would be trained')
    .option('--set <key.path=value>', 'override a value of the file; may be given often', collect)
    .addOption(engineOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(torchOption())
    .addOption(jsonOption('print every event as a JSON line'))
    .addHelpText(...example('siamscope train tiny.siam.json --set schedule.steps=100 --engine torch\nsiamscope train tiny.siam.json --resume'))
    .addHelpText('after', '\nExit code: 0 done; 1 failed or stopped; 2 wrong use, or input that was refused.')
    .action(async (file: string, options: TrainOptions) => {
      if (options.check) await (await import('./check.ts')).checkRun(file, overrides(options), options.json ?? false);
      else await (options.detach ? detach(file, options) : train(file, options));
    });
}
