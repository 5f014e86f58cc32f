/** Starts a run file in a terminal, with the backend's own command. */
import * as vscode from 'vscode';

const ending = '.siam.json';

/** Shows an error where there is no run file or the workspace is not trusted. */
export async function startRun(extensionUri: vscode.Uri, file: vscode.Uri | undefined): Promise<void> {
  if (!vscode.workspace.isTrusted) {
    await vscode.window.showErrorMessage(vscode.l10n.t('SiamScope starts no run in an untrusted workspace: trust it first.'));
    return;
  }
  if (file?.scheme !== 'file' || !file.path.endsWith(ending)) {
    await vscode.window.showErrorMessage(vscode.l10n.t('Open a run file (*{0}) first; "siamscope init" writes one.', ending));
    return;
  }
  const terminal = vscode.window.createTerminal({ name: 'SiamScope', shellPath: process.execPath, shellArgs: [vscode.Uri.joinPath(extensionUri, 'dist', 'siamscope.mjs').fsPath, 'train', file.fsPath], env: { ELECTRON_RUN_AS_NODE: '1' } });
  terminal.show();
}
