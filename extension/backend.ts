/** How the backend is launched: by the editor's own Node or one that this machine's settings name, and never in an untrusted workspace. */
import * as vscode from 'vscode';
import { checkNode, launchOf, runProcess, type Launch, type LaunchOptions } from './launch.ts';
import { readSetting } from './readSettings.ts';

/** Thrown before anything is launched. */
export class UntrustedError extends Error {
  override name = 'UntrustedError';
}

export function requireTrust(): void {
  if (!vscode.workspace.isTrusted) throw new UntrustedError(vscode.l10n.t('SiamScope launches nothing in an untrusted workspace: trust it first.'));
}

/** The command, without arguments. Throws where the workspace is not trusted, or the editor's Node is too old. */
export function backendCommand(extensionUri: vscode.Uri): Launch {
  requireTrust();
  // While developing, a backend built elsewhere.
  const script = process.env.SIAMSCOPE_BACKEND ?? vscode.Uri.joinPath(extensionUri, 'dist', 'siamscope.mjs').fsPath;
  const launch = launchOf(script, readSetting('nodePath'));
  const torch = readSetting('torchPath');
  return torch === '' ? launch : { ...launch, env: { ...launch.env, SIAMSCOPE_TORCH: torch } };
}

/** Runs `siamscope ARGUMENTS` to its end. Rejects in an untrusted workspace, where it cannot be launched, and when it is cancelled. */
export async function runCommand(extensionUri: vscode.Uri, args: readonly string[], options: LaunchOptions = {}): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const launch = backendCommand(extensionUri);
  await checkNode(readSetting('nodePath'));
  return runProcess(launch, args, options);
}
