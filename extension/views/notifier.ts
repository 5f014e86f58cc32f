/** Tells of failed, lost and collapsed runs, once each, with what can be done. */
import * as vscode from 'vscode';
import type { Run, Runs } from '../runs/runs.ts';
import { NoticeMemory, noticesOf, type Notice } from './notices.ts';
import { isLiving, isResumable } from './runItem.ts';

const storageKey = 'notices';

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');

export function createNotifier(context: vscode.ExtensionContext, runs: Runs, log: vscode.LogOutputChannel): vscode.Disposable {
  const kept = context.workspaceState.get<{ said?: unknown; living?: unknown }>(storageKey);
  const memory = new NoticeMemory({ said: isTexts(kept?.said) ? kept.said : [], living: isTexts(kept?.living) ? kept.living : [] });
  let stored = JSON.stringify(memory.state);
  const look = (run: Run): void => {
    for (const notice of memory.news(run, isLiving(run), noticesOf(run, vscode.l10n.t))) {
      log.warn(notice.message);
      void tell(run, notice);
    }
    const state = memory.state, text = JSON.stringify(state);
    if (text !== stored) void context.workspaceState.update(storageKey, state);
    stored = text;
  };
  runs.all.forEach(look);
  return runs.onDidChange((run) => (run ? look(run) : runs.all.forEach(look)));
}

async function tell(run: Run, { kind, message }: Notice): Promise<void> {
  const { t } = vscode.l10n;
  const showLog = t('Show Log'), resume = t('Resume'), curves = t('Open Curves');
  const buttons = kind === 'health' ? [curves, showLog] : [showLog, ...(vscode.workspace.isTrusted && isResumable(run) ? [resume] : []), curves];
  const chosen = await (kind === 'health' ? vscode.window.showWarningMessage(message, ...buttons) : vscode.window.showErrorMessage(message, ...buttons));
  const command = chosen === showLog ? 'siamscope.showLog' : chosen === resume ? 'siamscope.resumeRun' : chosen === curves ? 'siamscope.openCurves' : null;
  if (command !== null) await vscode.commands.executeCommand(command, run.folder);
}
