/** Commands on runs: start, stop, resume, delete, and looking at them. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { applyEdits, modify } from 'jsonc-parser';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { freeName, isRunFile, plainValue, runFileEnding, runFolderOf } from '../config/runFileText.ts';
import { readSetting } from '../readSettings.ts';
import type { Run } from '../runs/runs.ts';
import { isLiving, isResumable, stateText } from '../views/runItem.ts';
import type { Parts } from './parts.ts';
import { askForRun, askForRuns, namedRuns, oneRun, selectionArgument } from './selection.ts';

const { t } = vscode.l10n;

async function showCurves(parts: Parts, folders: string[]): Promise<void> {
  const { openCurves } = await import('../panels/curves.ts');
  openCurves(parts.context, parts.runs, folders);
}

const inBackground = <T>(title: string, work: () => Promise<T>): Thenable<T> => vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, work);

/** After a run has begun: its row is selected, and its curves are shown, unless that is not wanted. */
async function showStarted(parts: Parts, run: Run): Promise<void> {
  await parts.runsView.reveal(parts.runsTree.node(run.folder), { select: true, focus: false }).then(undefined, () => undefined);
  if (readSetting('showCurvesOnStart', vscode.Uri.file(run.folder))) await showCurves(parts, [run.folder]);
}

/** Starts the run file: of the editor, of the explorer, or the one that is asked for. */
export async function startRun(parts: Parts, [uri]: readonly unknown[]): Promise<void> {
  const file = uri instanceof vscode.Uri ? uri : await askForRunFile();
  if (!file) return;
  if (file.scheme !== 'file' || !isRunFile(file.path)) throw new Error(t('{0} is no run file: its name ends in {1}.', file.path, runFileEnding));
  const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === file.toString());
  if (document?.isDirty && !(await document.save())) throw new Error(t('{0} could not be saved, and what is on disk would be trained.', file.fsPath));
  const text = await readFile(file.fsPath, 'utf8');
  const folder = runFolderOf(file.fsPath, text);
  const existing = folder === null ? undefined : parts.runs.get(folder);
  if (existing) return startBesideExisting(parts, file, existing);
  await startFile(parts, file);
}

async function startFile(parts: Parts, file: vscode.Uri): Promise<void> {
  const name = plainValue(await readFile(file.fsPath, 'utf8'), ['name']) ?? vscode.workspace.asRelativePath(file);
  parts.log.info(`starting ${file.fsPath}`);
  const run = await inBackground(t('Starting {0}', String(name)), () => parts.runs.start(file.fsPath));
  parts.log.info(`${run.status.name} is ${run.state}, in ${run.folder}`);
  await showStarted(parts, run);
}

/** A run of the file's name is there: nothing of it is replaced, so it is gone on with, or the new one gets another name. */
async function startBesideExisting(parts: Parts, file: vscode.Uri, run: Run): Promise<void> {
  const { name } = run.status;
  if (isLiving(run)) {
    const show = t('Open Curves');
    if ((await vscode.window.showInformationMessage(t('Run {0} is going on already.', name), show)) === show) await showCurves(parts, [run.folder]);
    return;
  }
  const runsFolder = dirname(run.folder);
  const next = freeName(name.replace(/-\d{1,4}$/, ''), (candidate) => candidate === name || existsSync(join(runsFolder, candidate)));
  const resume = { label: `$(debug-continue) ${t('Resume')}`, detail: t('Go on from step {0}', run.status.checkpoint ?? 0) };
  const rename = { label: `$(play) ${t('Start as {0}', next)}`, detail: t('Changes "name" in the file; {0} stays as it is', name) };
  const chosen = await vscode.window.showQuickPick(isResumable(run) ? [resume, rename] : [rename], { title: t('Run {0} is there already: {1}', name, stateText(run.state, t)), placeHolder: t('What now?') });
  if (chosen === resume) await resumeRun(parts, [run.folder]);
  if (chosen !== rename) return;
  await renameInFile(file, next);
  await startFile(parts, file);
}

/** Changes one value of the file, and saves; everything else stays as it was written. */
async function renameInFile(file: vscode.Uri, name: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument(file);
  const text = document.getText();
  const changed = applyEdits(text, modify(text, ['name'], name, { formattingOptions: { insertSpaces: true, tabSize: 2 } }));
  const edit = new vscode.WorkspaceEdit();
  edit.replace(file, new vscode.Range(document.positionAt(0), document.positionAt(text.length)), changed);
  if (!(await vscode.workspace.applyEdit(edit)) || !(await document.save())) throw new Error(t('"name" could not be changed in {0}.', file.fsPath));
}

async function askForRunFile(): Promise<vscode.Uri | undefined> {
  const active = vscode.window.activeTextEditor?.document.uri;
  if (active && isRunFile(active.path)) return active;
  const files = await vscode.workspace.findFiles(`**/*${runFileEnding}`, '**/{node_modules,.git}/**', 200);
  if (files.length === 0) {
    const create = t('New Run');
    if ((await vscode.window.showInformationMessage(t('There is no run file (*{0}) in this workspace.', runFileEnding), create)) === create) await vscode.commands.executeCommand('siamscope.newRun');
    return undefined;
  }
  const chosen = await vscode.window.showQuickPick(files.map((file) => ({ label: `$(json) ${vscode.workspace.asRelativePath(file)}`, file })), { title: t('Start Run'), placeHolder: t('Which run file?') });
  return chosen?.file;
}

export async function resumeRun(parts: Parts, args: readonly unknown[]): Promise<void> {
  const run = await oneRun(parts, args, t('Resume Run'), isResumable);
  if (!run) return;
  parts.log.info(`resuming ${run.folder}`);
  const resumed = await inBackground(t('Resuming {0}', run.status.name), () => parts.runs.resume(run.folder));
  await showStarted(parts, resumed);
}

export async function stopRun(parts: Parts, args: readonly unknown[]): Promise<void> {
  const named = args[0] === undefined ? [await askForRun(parts, t('Stop Run'), isLiving)].filter((run) => run !== undefined) : namedRuns(parts, args).filter(isLiving);
  await Promise.all(named.map(({ folder, status }) => {
    parts.log.info(`stopping ${folder}`);
    return inBackground(t('Stopping {0}: it finishes its step and saves', status.name), () => parts.runs.stop(folder));
  }));
}

/** A queued run waits for its device: this one is not to wait, at the cost of both being slower. */
export async function startNow(parts: Parts, args: readonly unknown[]): Promise<void> {
  const run = await oneRun(parts, args, t('Start Queued Run Now'), ({ state }) => state === 'queued');
  if (run?.state !== 'queued') return;
  await parts.runs.stop(run.folder);
  const started = await inBackground(t('Starting {0}', run.status.name), () => parts.runs.resume(run.folder, { now: true }));
  await showStarted(parts, started);
}

export async function saveRun(parts: Parts, args: readonly unknown[]): Promise<void> {
  const run = await oneRun(parts, args, t('Save Checkpoint'), ({ state }) => state === 'running');
  if (run) await inBackground(t('Saving {0} after this step', run.status.name), () => parts.runs.save(run.folder));
}

export async function deleteRun(parts: Parts, args: readonly unknown[]): Promise<void> {
  const named = args[0] === undefined ? [await askForRun(parts, t('Delete Run'), (run) => !isLiving(run))].filter((run) => run !== undefined) : namedRuns(parts, args);
  const ended = named.filter((run) => !isLiving(run));
  if (ended.length === 0) {
    if (named[0]) throw new Error(t('Run {0} is going on: stop it before it is deleted.', named[0].status.name));
    return;
  }
  const confirm = t('Delete');
  const question = ended.length === 1 ? t('Delete run {0} with its checkpoints and curves?', ended[0]!.status.name) : t('Delete {0} runs with their checkpoints and curves?', ended.length);
  if ((await vscode.window.showWarningMessage(question, { modal: true, detail: [...ended.map(({ folder }) => folder), t('They are moved to the trash, where this machine has one.')].join('\n') }, confirm)) !== confirm) return;
  for (const { folder } of ended) {
    await parts.runs.remove(folder);
    parts.log.info(`deleted ${folder}`);
  }
}

export async function revealRun(parts: Parts, args: readonly unknown[]): Promise<void> {
  const run = await oneRun(parts, args, t('Reveal Run'), () => true);
  if (run) await revealFolder(run.folder);
}

/** In the explorer where the folder is in the workspace, else in the system's own. */
export async function revealFolder(folder: string): Promise<void> {
  const uri = vscode.Uri.file(folder);
  await vscode.commands.executeCommand(vscode.workspace.getWorkspaceFolder(uri) ? 'revealInExplorer' : 'revealFileInOS', uri);
}

export async function openRunCurves(parts: Parts, args: readonly unknown[]): Promise<void> {
  const named = args[0] === undefined ? [await askForRun(parts, t('Open Curves'), () => true)].filter((run) => run !== undefined) : namedRuns(parts, args);
  if (named.length > 0) await showCurves(parts, named.map(({ folder }) => folder));
}

export async function compareRuns(parts: Parts, args: readonly unknown[]): Promise<void> {
  // From the palette and the view's title: what is selected, where that is several.
  const named = [namedRuns(parts, args), namedRuns(parts, [selectionArgument])].find(({ length }) => length > 1);
  const compared = named ?? (await askForRuns(parts, t('Compare Runs')));
  if (compared.length > 0) await showCurves(parts, compared.map(({ folder }) => folder));
}

/** Curves of what another tool writes: a folder with TensorBoard's event files or a metrics.jsonl. */
export async function watchFolder(parts: Parts, [uri]: readonly unknown[]): Promise<void> {
  const curves = await import('../panels/curves.ts');
  await curves.watchFolder(parts.context, parts.runs, uri instanceof vscode.Uri ? uri : undefined);
}

/** What the status item opens: the curves of the run that goes on, or of the one that is chosen. */
export async function openRunning(parts: Parts): Promise<void> {
  const run = await askForRun(parts, t('Runs that go on'), isLiving);
  if (run) await showCurves(parts, [run.folder]);
}

export async function showLog(parts: Parts, args: readonly unknown[]): Promise<void> {
  const run = await oneRun(parts, args, t('Show Log'), () => true);
  if (run) await parts.runLogs.show(run.folder).catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === 'ENOENT' ? t('Run {0} has written no log yet.', run.status.name) : t('The log of run {0} cannot be read: {1}', run.status.name, error.message));
  });
}
