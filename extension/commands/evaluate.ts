/** "Evaluate": by a published protocol, with what it lacks asked for; the result is a row below its checkpoint, and its report opens beside. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { parseJsonText } from '../../backend/link/holder.ts';
import { readSmallFile } from '../../backend/link/smallFile.ts';
import { isFields } from '../../backend/link/status.ts';
import { evaluationProtocols, type EvaluationEntry } from '../../backend/protocol/evaluations.ts';
import { commandJson } from '../command.ts';
import { engineArguments } from '../config/engineArguments.ts';
import type { CheckpointNode, EvaluationNode } from '../views/checkpointsTree.ts';
import { evaluationPlace, keepEvaluation, protocolTitle } from '../views/evaluations.ts';
import { checkpointOf } from './checkpoints.ts';
import type { Parts } from './parts.ts';

const { t } = vscode.l10n;
const configBytes = 2 ** 20;

export async function evaluateCheckpoint(parts: Parts, args: readonly unknown[]): Promise<void> {
  const node = checkpointOf(args);
  if (!node) return;
  const protocol = await askForProtocol(node);
  if (protocol === undefined) return;
  if (protocol === null) return besideUntrained(parts, node);
  await byProtocol(parts, node, protocol);
}

/** null: beside the untrained model; undefined: none was chosen. */
async function askForProtocol({ checkpoint: { step } }: CheckpointNode): Promise<string | null | undefined> {
  const published = Object.entries<EvaluationEntry>(evaluationProtocols).map(([protocol, { title, about }]) => ({ label: `$(beaker) ${title}`, detail: about, protocol }));
  const untrained: vscode.QuickPickItem & { protocol: string | null } = { label: `$(compare-changes) ${t('beside the untrained model')}`, detail: t('correspondence between views, and k-NN where there are classes; in a terminal'), protocol: null };
  const chosen = await vscode.window.showQuickPick<typeof untrained>([...published, untrained], { title: t('Evaluate step {0}: by which protocol?', step), placeHolder: t('Published protocols report top-1 and top-5 with their intervals'), matchOnDetail: true });
  return chosen && chosen.protocol;
}

async function byProtocol(parts: Parts, node: CheckpointNode, protocol: string): Promise<void> {
  const entry: EvaluationEntry = evaluationProtocols[protocol as keyof typeof evaluationProtocols];
  const { folder, checkpoint: { step, folder: path } } = node;
  const options: string[] = [];
  for (const { option, title, choices } of entry.questions) {
    const chosen = await vscode.window.showQuickPick(choices.map(({ value, label, detail }) => ({ label, description: detail, value })), { title: `${entry.title}: ${title}` });
    if (!chosen) return;
    if (chosen.value !== '') options.push(option, chosen.value);
  }
  const images = await imagesFor(folder, entry);
  if (!images) return;
  const { record, report } = await evaluationPlace(folder, step, protocol, options);
  const name = parts.runs.get(folder)?.status.name ?? '';
  const said = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: t('Evaluating {0}, step {1}, by {2}', name, step, entry.title), cancellable: true }, async (_progress, token) => {
    const controller = new AbortController();
    token.onCancellationRequested(() => controller.abort());
    try {
      return await commandJson(parts.command, ['evaluate', path, '--protocol', protocol, ...options, ...images, '--report', report, ...(await engineArguments(join(folder, 'config.json'))), '--json'], { signal: controller.signal });
    } catch (error) {
      // Whoever cancels knows it.
      if (token.isCancellationRequested) return null;
      throw error;
    }
  });
  if (said === null) return;
  await keepEvaluation(record, { step, protocol, options }, said);
  parts.log.info(`evaluated ${path} by ${protocol}: ${record}`);
  await parts.evaluated(node, record);
  await showEvaluationReport(report, protocol, step);
}

async function showEvaluationReport(report: string, protocol: string, step: number): Promise<void> {
  const { showReport } = await import('../panels/report.ts');
  await showReport(report, t('{0}, step {1}', protocolTitle(protocol), step));
}

/** The row's own report. */
export async function openEvaluation(_: Parts, [node]: readonly unknown[]): Promise<void> {
  if (typeof node !== 'object' || node === null || !('kind' in node) || node.kind !== 'evaluation') return;
  const { evaluation } = node as EvaluationNode;
  if (evaluation.report === null) throw new Error(t('There is no report of this evaluation any more.'));
  await showEvaluationReport(evaluation.report, evaluation.protocol, evaluation.step);
}

/** Options that name images, where the run's own do not serve; null: the user thought better of it. */
async function imagesFor(folder: string, { learns }: EvaluationEntry): Promise<string[] | null> {
  const config = parseJsonText(await readSmallFile(join(folder, 'config.json'), configBytes));
  const data = isFields(config) && isFields(config.data) ? config.data : {};
  const own = typeof data.train === 'string' && (await mayHaveClasses(data.train)) ? data.train : null;
  const held = typeof data.test === 'string' && (await mayHaveClasses(data.test)) ? data.test : null;
  if (held !== null && (own !== null || !learns)) return [];
  const train = !learns ? null : (own ?? (await askForFolder(t('Images to learn the classes from: a folder for each class'))));
  if (learns && train === null) return null;
  const test = held ?? (await askForFolder(t('Images to be measured on: a folder for each of the same classes')));
  return test === null ? null : [...(train === null ? [] : ['--data', train]), '--test', test];
}

/** False where it surely has none: a folder with less than two others in it. What is no folder is the backend's to judge. */
async function mayHaveClasses(path: string): Promise<boolean> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOTDIR' ? null : []));
  return entries === null || entries.filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.')).length > 1;
}

async function askForFolder(title: string): Promise<string | null> {
  const [chosen] = (await vscode.window.showOpenDialog({ canSelectFolders: true, canSelectFiles: false, title, openLabel: t('Use These Images'), defaultUri: vscode.workspace.workspaceFolders?.[0]?.uri })) ?? [];
  return chosen?.scheme === 'file' ? chosen.fsPath : null;
}

/** In a terminal, where its table stays and Ctrl-C ends it. */
async function besideUntrained(parts: Parts, node: CheckpointNode): Promise<void> {
  const { command, args: before, env } = await parts.process();
  const name = parts.runs.get(node.folder)?.status.name ?? '';
  const task = new vscode.Task({ type: 'siamscope', file: node.checkpoint.folder }, vscode.TaskScope.Workspace, t('Evaluate {0}, step {1}', name, node.checkpoint.step), 'SiamScope', new vscode.ProcessExecution(command, [...before, 'evaluate', node.checkpoint.folder], { env, cwd: node.folder }));
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated, echo: false };
  await vscode.tasks.executeTask(task);
}
