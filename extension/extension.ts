/** The extension's entry: wires what the editor offers to the backend's command. Knows no tensors, and launches nothing in an untrusted workspace. */
import * as vscode from 'vscode';
import { startRun } from './runs/start.ts';

export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(vscode.commands.registerCommand('siamscope.startRun', (file?: vscode.Uri) => startRun(context.extensionUri, file ?? vscode.window.activeTextEditor?.document.uri)));
}
