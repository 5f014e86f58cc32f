/** Commands on studies: their table, running and stopping them. */
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { liveHolder } from '../../backend/link/holder.ts';
import { isStudyFile, studyFileEnding } from '../config/runFileText.ts';
import type { Parts } from './parts.ts';

const { t } = vscode.l10n;
const mostFiles = 200;

/** The study file that a command was called on, of the editor, or that is asked for. Undefined: none was chosen. */
async function studyFileOf([uri]: readonly unknown[], title: string): Promise<string | undefined> {
  const file = uri instanceof vscode.Uri ? uri : await askForStudyFile(title);
  if (!file) return undefined;
  if (file.scheme !== 'file' || !isStudyFile(file.path)) throw new Error(t('{0} is no study file: its name ends in {1}.', file.path, studyFileEnding));
  return file.fsPath;
}

async function askForStudyFile(title: string): Promise<vscode.Uri | undefined> {
  const active = vscode.window.activeTextEditor?.document.uri;
  if (active && isStudyFile(active.path)) return active;
  const files = await vscode.workspace.findFiles(`**/*${studyFileEnding}`, '**/{node_modules,.git}/**', mostFiles);
  if (files.length === 0) throw new Error(t('There is no study file (*{0}) in this workspace. A terminal writes the paper\'s: siamscope study init paper --data IMAGES', studyFileEnding));
  if (files.length === 1) return files[0];
  const chosen = await vscode.window.showQuickPick(files.map((file) => ({ label: `$(table) ${vscode.workspace.asRelativePath(file)}`, file })), { title, placeHolder: t('Which study?') });
  return chosen?.file;
}

export async function openStudy(parts: Parts, args: readonly unknown[]): Promise<void> {
  const path = await studyFileOf(args, t('Open Study Table'));
  if (path === undefined) return;
  const { openStudyTable } = await import('../panels/study.ts');
  await openStudyTable(parts, path);
}

export async function runStudyFile(parts: Parts, args: readonly unknown[]): Promise<void> {
  const path = await studyFileOf(args, t('Run Study'));
  if (path === undefined) return;
  const [{ openStudyTable, lookAtStudy }, { runStudy }] = await Promise.all([import('../panels/study.ts'), import('../runs/studies.ts')]);
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: t('Starting {0}', vscode.workspace.asRelativePath(path)) }, () => runStudy(parts, path));
  await openStudyTable(parts, path);
  lookAtStudy(path);
}

export async function stopStudyFile(_: Parts, args: readonly unknown[]): Promise<void> {
  const path = await studyFileOf(args, t('Stop Study'));
  if (path === undefined) return;
  const [{ lookAtStudy }, { stopStudy }, { readStudy, studyFolder }] = await Promise.all([import('../panels/study.ts'), import('../runs/studies.ts'), import('../../backend/study/reading.ts')]);
  const holder = await liveHolder(studyFolder(path, await readStudy(path)), { sweep: false });
  if (!holder) throw new Error(t('Nobody runs the study in {0}.', dirname(path)));
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: t('Stopping {0} after this step', vscode.workspace.asRelativePath(path)) }, () => stopStudy(holder));
  lookAtStudy(path);
}
