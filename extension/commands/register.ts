/** Registers the table of commands; what one throws is shown, with the log a click away. The table is loaded at the first command. */
import * as vscode from 'vscode';
import { commandIds } from './ids.ts';
import type { Parts } from './parts.ts';

export function registerCommands(parts: Parts): vscode.Disposable {
  return vscode.Disposable.from(...commandIds.map((id) => vscode.commands.registerCommand(id, async (...args: unknown[]) => {
    const { commandTable } = await import('./table.ts');
    const { run, trusted } = commandTable[id];
    if (trusted && !vscode.workspace.isTrusted) return refuse();
    try {
      await run(parts, args);
    } catch (error) {
      await complain(parts.log, error as Error);
    }
  })));
}

/** Whatever way the command was reached: a menu that is hidden is no lock. */
async function refuse(): Promise<void> {
  const manage = vscode.l10n.t('Manage Trust');
  const chosen = await vscode.window.showWarningMessage(vscode.l10n.t('In Restricted Mode SiamScope starts nothing: trust this workspace first.'), manage);
  if (chosen === manage) await vscode.commands.executeCommand('workbench.trust.manage');
}

async function complain(log: vscode.LogOutputChannel, error: Error): Promise<void> {
  log.error(error);
  const show = vscode.l10n.t('Show Output');
  if ((await vscode.window.showErrorMessage(error.message.slice(0, 1000), show)) === show) log.show();
}
