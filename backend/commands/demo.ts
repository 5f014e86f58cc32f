/** `siamscope demo` (`npm start`): the main job on generated images or one's own, and a report of what was learned. */
import type { Command } from 'commander';
import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { collect, wholeNumber } from './arguments.ts';
import { example } from './example.ts';
import { barWatcher, plainWatcher } from './progress.ts';
import { stopBySignals } from './signals.ts';
import { duration, print, printJson, say, table } from './terminal.ts';

interface DemoOptions {
  data?: string;
  out: string;
  seconds: number;
  seed: number;
  set?: string[];
  json?: boolean;
}

const percent = (value: number | null | undefined): string => (value === null || value === undefined ? '-' : `${(100 * value).toFixed(1)} %`);

async function demo({ data, out, seconds, seed, set = [], json }: DemoOptions): Promise<void> {
  const [{ runDemo }, { ensureEngine }] = await Promise.all([import('../demo.ts'), import('../ensureEngine.ts')]);
  const stop = stopBySignals(() => say('stopping after this step; once more to stop at once'));
  await ensureEngine({ signal: stop.signal, say });
  const watcher = process.stderr.isTTY && process.env.TERM !== 'dumb' ? barWatcher(process.stderr) : plainWatcher();
  let told = -1;
  const result = await runDemo({
    data: data ?? null, folder: resolve(out), seconds, seed, set, stop: stop.signal, say,
    onEvent: (event) => watcher.onEvent(event),
    onImages: (done, total) => {
      const tenth = Math.floor((10 * done) / total);
      if (tenth > told) say(`drawing images: ${done} of ${total}`);
      told = tenth;
    },
  }).finally(() => {
    watcher.close();
    stop.release();
  });
  if (!result.report) {
    say(`stopped at step ${result.outcome.step}; resume with:\n  npx siamscope train ${relative('', result.run)} --resume`);
    process.exitCode = 1;
    return;
  }
  if (json) return printJson({ run: result.run, report: result.report, steps: result.outcome.step, seconds: result.outcome.elapsedSeconds, measures: result.measures.map(({ name, before, after, chance }) => ({ name, before: before?.value ?? null, after: after.value, chance })) });
  print(`\n${result.outcome.step} steps in ${duration(result.outcome.elapsedSeconds)}\n\n${table([['', 'untrained', 'trained', 'chance'], ...result.measures.map(({ name, before, after, chance }) => [name, percent(before?.value), percent(after.value), percent(chance)])])}`);
  print(`report: ${pathToFileURL(result.report).href}`);
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .summary('train for some minutes and see what was learned')
    .description('Trains SiameseIM for some minutes on generated images, or on yours, measures it before and after, and writes a report.')
    .option('--data <path>', 'your images: a folder, a .txt list or a .tar archive; default: generated ones')
    .option('--out <folder>', 'where images, run and report go', '.')
    .option('--seconds <number>', 'about how long to train', wholeNumber(1), 200)
    .option('--seed <number>', 'everything random follows from it', wholeNumber(0), 0)
    .option('--set <key.path=value>', 'override a value of the recipe; may be given often', collect)
    .option('--json', 'print the result as JSON')
    .addHelpText(...example('siamscope demo --data photos/ --seconds 240'))
    .action(demo);
}
