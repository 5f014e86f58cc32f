/** The extension's entry: makes the parts and wires them together, nothing else. What is heavy is loaded when it is first used. */
import * as vscode from 'vscode';
import { backendCommand, runCommand } from './backend.ts';
import type { Command } from './command.ts';
import type { Parts } from './commands/parts.ts';
import { registerCommands } from './commands/register.ts';
import { RunFileDiagnostics } from './config/diagnostics.ts';
import { RunFileLenses } from './config/lenses.ts';
import { StudyFileLenses } from './config/studyLenses.ts';
import { EnginesTree } from './engines/enginesTree.ts';
import { EngineInventory } from './engines/inventory.ts';
import { createRuns, type Runs } from './runs/runs.ts';
import { registerTasks } from './runs/tasks.ts';
import { CheckpointsTree } from './views/checkpointsTree.ts';
import { keepContexts } from './views/contexts.ts';
import { createNotifier } from './views/notifier.ts';
import { RunLogs } from './views/runLog.ts';
import { RunsTree } from './views/runsTree.ts';
import { createStatusItem } from './views/statusItem.ts';

/** For tests of the extension as it is installed. */
export interface Api {
  activationMilliseconds: number;
  runs: Runs;
}

export function activate(context: vscode.ExtensionContext): Api {
  const began = performance.now();
  const keep = <T extends vscode.Disposable>(part: T): T => {
    context.subscriptions.push(part);
    return part;
  };
  const log = keep(vscode.window.createOutputChannel('SiamScope', { log: true }));
  const command: Command = (args, options) => runCommand(context.extensionUri, args, options);
  const runs = keep(createRuns(context, log));
  const runLogs = keep(new RunLogs(runs));
  const inventory = keep(new EngineInventory(context, command, log));
  const diagnostics = keep(new RunFileDiagnostics(command, log));
  const runsTree = keep(new RunsTree(runs));
  const runsView = keep(vscode.window.createTreeView('siamscope.runs', { treeDataProvider: runsTree, canSelectMany: true, showCollapseAll: true }));
  const checkpointsTree = keep(new CheckpointsTree(runs));
  const checkpointsView = keep(vscode.window.createTreeView('siamscope.checkpoints', { treeDataProvider: checkpointsTree, showCollapseAll: true }));
  keep(vscode.window.createTreeView('siamscope.engines', { treeDataProvider: keep(new EnginesTree(inventory)), showCollapseAll: true }));
  keep(new RunFileLenses(runs, diagnostics));
  keep(new StudyFileLenses(runs));
  keep(createStatusItem(runs));
  keep(createNotifier(context, runs, log));
  keep(keepContexts(runs, inventory));
  keep(registerTasks(runs));
  // Panels of the last session wait for this; activation does not.
  import('./panels/curves.ts').then(({ restoreCurves }) => keep(restoreCurves(context, runs)), (error: Error) => log.error(error));
  import('./panels/checkpoint.ts').then(({ registerCheckpointEditor }) => keep(registerCheckpointEditor(context, log)), (error: Error) => log.error(error));
  import('./panels/augmentation.ts').then(({ restoreLabs }) => keep(restoreLabs({ context, log })), (error: Error) => log.error(error));
  import('./panels/correspondence.ts').then(({ restoreLooks }) => keep(restoreLooks({ context, log, runs })), (error: Error) => log.error(error));
  import('./panels/study.ts').then(({ restoreStudies }) => keep(restoreStudies({ context, log, runs, command })), (error: Error) => log.error(error));
  const parts: Parts = { context, log, command, process: () => backendCommand(context.extensionUri), runs, runLogs, runsTree, runsView, evaluated: (node, record) => checkpointsTree.evaluated(checkpointsView, node, record), inventory };
  keep(registerCommands(parts));
  const activationMilliseconds = performance.now() - began;
  log.info(`activated in ${activationMilliseconds.toFixed(1)} ms, ${vscode.workspace.isTrusted ? 'trusted' : 'in Restricted Mode'}`);
  return { activationMilliseconds, runs };
}
