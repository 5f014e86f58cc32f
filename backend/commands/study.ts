/** `siamscope study`: trains and measures a grid of runs, and writes one table of them. */
import type { Command } from 'commander';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { InputError, RunError } from '../errors.ts';
import { scales, type Scale } from '../study/paper.ts';
import type { StudyEvent } from '../study/runStudy.ts';
import type { Study } from '../study/studyFile.ts';
import { choiceOption, jsonOption } from './arguments.ts';
import { example } from './example.ts';
import { stopBySignals } from './signals.ts';
import { duration, print, printJson, say } from './terminal.ts';

interface RunStudyOptions {
  out?: string;
  only?: string;
  now?: boolean;
  list?: boolean;
  check?: boolean;
  detach?: boolean;
  json?: boolean;
}

const linePause = 10_000;

/** A line for each thing that happens, and one about the steps now and then. */
function plainTeller(): (event: StudyEvent) => void {
  let lastLine = -Infinity;
  return (event) => {
    const left = (seconds: number | null): string => (seconds === null ? '' : `, study ${duration(seconds)} left`);
    switch (event.kind) {
      case 'begun':
        lastLine = -Infinity;
        return say(`[${event.place}/${event.of}] ${event.cell}${event.device === 'auto' ? '' : ` on ${event.device}`}`);
      case 'step':
        if (performance.now() - lastLine < linePause && event.step !== event.steps) return;
        lastLine = performance.now();
        return say(`  ${event.cell}: step ${event.step}/${event.steps}, loss ${Number(event.loss.toPrecision(4))}${event.eta === null ? '' : `, ${duration(event.eta)} left`}${left(event.studyEta)}`);
      case 'note':
        return say(`  ${event.cell}: ${event.text}`);
      case 'measuring':
        return say(`  ${event.cell}: measuring`);
      case 'done':
        return say(`  ${event.cell}: ${event.result.measures.map(({ name, value }) => `${name} ${(100 * value).toFixed(1)} %`).join(', ')}; ${duration(event.result.trainSeconds + event.result.measureSeconds)}${event.left > 0 ? left(event.studyEta) : ''}`);
      case 'stopped':
        return say(`  ${event.cell}: stopped`);
      case 'failed':
        return say(`  ${event.cell}: failed: ${event.message}`);
    }
  };
}

/** The study, with every row checked as the run that it would be; images that are not there keep only their own rows from running. Throws InputError that says everything that is wrong, line by line. */
async function readChecked(path: string): Promise<Study> {
  const [{ readRunFile }, { findStudyProblems }, { problemLines }] = await Promise.all([import('../train/readRunFile.ts'), import('../study/studyProblems.ts'), import('../train/configErrors.ts')]);
  const { value, place } = await readRunFile(path, 'study file');
  const { study, problems } = await findStudyProblems(value, path, null);
  if (!study || problems.length > 0) throw new InputError(problemLines(problems, place));
  return study;
}

async function runFile(file: string, options: RunStudyOptions): Promise<void> {
  if (options.check) return (await import('./check.ts')).checkStudy(file, options.json ?? false);
  const [{ readStudy, studyFolder }, { cellsOf, isMeant }] = await Promise.all([import('../study/studyFile.ts'), import('../study/cells.ts')]);
  const path = resolve(file);
  const study = await (options.list ? readStudy : readChecked)(path);
  const folder = options.out === undefined ? studyFolder(path, study) : resolve(options.out);
  const cells = await cellsOf(study, path, folder);
  const meant = cells.filter((cell) => isMeant(options.only, cell));
  if (meant.length === 0) throw new InputError(`--only ${options.only} fits none of the rows ${[...new Set(cells.map(({ row }) => row.id))].join(', ')}`);
  if (options.list) return list(folder, study, new Set(meant.map(({ folder: cell }) => cell)), options.json ?? false);
  const { checkBegun, runStudy } = await import('../study/runStudy.ts');
  if (options.detach) {
    // What would be refused is refused here, where someone reads it.
    await checkBegun(cells);
    return detach(path, folder, options);
  }
  const stop = stopBySignals(() => {
    if (!options.json) say('stopping after this step and saving; once more to stop at once');
  });
  const tell = options.json ? (event: StudyEvent): void => print(JSON.stringify(event, (_key, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value))) : plainTeller();
  const { done, total, failed, stopped } = await runStudy({ study, cells, folder, isMeant: (cell) => isMeant(options.only, cell), now: options.now ?? false, stop: stop.signal, onEvent: tell }).finally(() => stop.release());
  if (options.json) print(JSON.stringify({ kind: 'ended', done, total, failed, stopped, table: join(folder, 'table.html') }));
  else print(`${done} of ${total} runs are done: ${join(relative('', folder) || '.', 'table.html')}`);
  if (failed.length > 0) throw new RunError(`${failed.length} ${failed.length === 1 ? 'run' : 'runs'} failed:\n  ${failed.map(({ cell, message }) => `${cell}: ${message}`).join('\n  ')}\nThe same command tries again`);
  if (stopped) {
    if (!options.json) say(`go on with: siamscope study ${file}`);
    process.exitCode = 1;
  }
}

async function detach(path: string, folder: string, { only, now, json }: RunStudyOptions): Promise<void> {
  const [{ startDetached }, { liveHolder }] = await Promise.all([import('./detach.ts'), import('../link/holder.ts')]);
  const flags = [...(only === undefined ? [] : ['--only', only]), ...(now ? ['--now'] : [])];
  const pid = await startDetached(['study', path, '--out', folder, ...flags], folder, async (own) => (await liveHolder(folder, { sweep: false }))?.pid === own);
  if (json) return printJson({ study: folder, pid });
  print(relative('', folder) || '.');
  say(`runs as process ${pid}; stop it with: kill ${pid}`);
}

async function list(folder: string, study: Study, meant: ReadonlySet<string>, json: boolean): Promise<void> {
  const { readCells } = await import('../study/state.ts');
  const cells = (await readCells(study, folder)).filter((cell) => meant.has(cell.folder)).map(({ row, seed, state, step, steps, error, result, folder: path }) => ({ cell: `${row.id}/${seed}`, folder: path, state, step, steps, error, result }));
  if (json) printJson(cells);
  else for (const { cell, state, step, steps } of cells) print(`${cell}  ${state}${state === 'waiting' || state === 'done' ? '' : ` at step ${step}${steps === null ? '' : ` of ${steps}`}`}`);
}

interface InitStudyOptions {
  scale: Scale;
  data: string;
  test?: string;
  out?: string;
  force?: boolean;
}

/** Paths inside the study's folder are written relative to it, so that the folder can be moved. */
function portable(path: string, folder: string): string {
  const inside = relative(folder, path);
  return isAbsolute(inside) || inside.startsWith('..') ? path : inside.split(sep).join('/') || '.';
}

async function init(_name: string, { scale, data, test, out = 'paper.study.json', force }: InitStudyOptions): Promise<void> {
  const [{ stat }, { writeAtomically }, { openDataset }, { paperStudy }, { parseStudy }, { cellsOf }] = await Promise.all([import('node:fs/promises'), import('../formats/atomic.ts'), import('../data/dataset.ts'), import('../study/paper.ts'), import('../study/studyFile.ts'), import('../study/cells.ts')]);
  const isFolder = (path: string) => stat(path).then((info) => info.isDirectory(), () => false);
  const path = resolve(out);
  const folder = dirname(path);
  if (!force && (await stat(path).then(() => true, () => false))) throw new InputError(`${path} exists: give another name with --out, or --force to replace it`);
  const source = resolve(data);
  const halves = test === undefined && (await isFolder(join(source, 'train'))) && (await isFolder(join(source, 'test')));
  const train = halves ? join(source, 'train') : source;
  const held = halves ? join(source, 'test') : test === undefined ? null : resolve(test);
  const dataset = await openDataset(train);
  if (dataset.length === 0) throw new InputError(`there are no images in ${train}: give --data a folder of images, or one with "train" and "test"`);
  const study = paperStudy(scale, { train: portable(train, folder), test: held === null ? null : portable(held, folder), classes: dataset.classes.length }, basename(path).replace(/(\.study)?\.json$/, ''));
  await cellsOf(parseStudy(study, () => path), path, folder);
  await writeAtomically(path, `${JSON.stringify(study, null, 2)}\n`);
  print(path);
  if (held === null) say('without test images there is no k-NN: give --test, or a folder with "train" and "test"');
  say(`start it with: siamscope study ${relative('', path)}`);
}

async function table(file: string, { out, into }: { out?: string; into?: string }): Promise<void> {
  const [{ readStudy, studyFolder }, { readCells }, { summarize }, { markdownTable }, { writeTables }] = await Promise.all([import('../study/studyFile.ts'), import('../study/state.ts'), import('../study/summary.ts'), import('../study/plainTables.ts'), import('../study/tables.ts')]);
  const path = resolve(file);
  const study = await readStudy(path);
  const folder = out === undefined ? studyFolder(path, study) : resolve(out);
  const cells = await readCells(study, folder);
  if (cells.every(({ state }) => state === 'waiting')) throw new InputError(`${folder} has no runs of this study yet: start it with "siamscope study ${file}"`);
  const begun = new Set(cells.filter(({ state }) => state !== 'waiting').map(({ row }) => row.id));
  if (into === undefined) {
    await writeTables(study, cells, folder);
    return print(markdownTable(study, summarize(study, cells)));
  }
  // A document shows what was run; the study's own table shows what is still to come as well.
  const shown = { ...study, rows: study.rows.filter((row) => begun.has(row.sameAs ?? row.id)) };
  const { replaceTable } = await import('../study/document.ts');
  await replaceTable(resolve(into), markdownTable(shown, summarize(shown, cells.filter(({ row }) => begun.has(row.id)))));
  print(resolve(into));
}

export function addStudy(program: Command): void {
  const study = program
    .command('study')
    .summary('train and measure a grid of runs')
    .description('Trains and measures a grid of runs, and writes one table of them beside the paper\'s numbers.\n"siamscope study FILE" runs a study file.');
  study
    .command('run', { isDefault: true })
    .summary('run a study file')
    .description('Runs every row of a study file with every seed. What is done is never run again, and what was interrupted goes on: repeat the command after a kill.')
    .argument('<file>', 'the study file (*.study.json)')
    .option('--out <folder>', 'where runs and tables go; default: NAME beside the file')
    .option('--only <patterns>', 'rows or row/seed, such as siamese,d/0,m*')
    .option('--now', 'do not wait for other runs on the same device')
    .option('--detach', 'start it in a process of its own and return; it outlives this terminal')
    .option('--list', 'only say how far each run is')
    .option('--check', 'only say what is wrong with the file, or how much would be run')
    .addOption(jsonOption('print every event as a JSON line'))
    .addHelpText(...example('siamscope study paper.study.json --only siamese,mae'))
    .action(runFile);
  study
    .command('init')
    .summary('write a study file')
    .description('Writes the study of SiameseIM\'s main and ablation tables.')
    .addArgument(study.createArgument('<name>', 'which study').choices(['paper']))
    .addOption(choiceOption('--scale <name>', 'the size: a night on two cores, or the paper\'s own', scales).default('tiny'))
    .requiredOption('--data <path>', 'images, or a folder with "train" and "test"')
    .option('--test <path>', 'test images with the same classes')
    .option('--out <file>', 'the study file; default: paper.study.json')
    .option('--force', 'replace an existing file')
    .addHelpText(...example('siamscope study init paper --scale tiny --data photos/'))
    .action(init);
  study
    .command('table')
    .summary('write a study\'s table anew')
    .description('Prints a study\'s table as Markdown and writes its files anew, or puts it into a document.')
    .argument('<file>', 'the study file (*.study.json)')
    .option('--out <folder>', 'where its runs are; default: NAME beside the file')
    .option('--into <document>', 'put the rows begun between the document\'s lines\n<!-- study --> and <!-- /study -->')
    .addHelpText(...example('siamscope study table paper.study.json --into results.md'))
    .action(table);
}
