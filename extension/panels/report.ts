/** Shows a report of ours beside the editor: a page without scripts that may load nothing, whoever wrote the file. */
import { readFile, stat } from 'node:fs/promises';
import { InputError } from '../../backend/errors.ts';
import * as vscode from 'vscode';

const type = 'siamscope.report';
const mostBytes = 2 ** 26;
const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">`;

const openPanels = new Map<string, vscode.WebviewPanel>();

/** Throws InputError where the file is no report's size. */
export async function showReport(path: string, title: string): Promise<void> {
  const { size } = await stat(path);
  if (size > mostBytes) throw new InputError(`${path} has ${size} bytes, more than a report has`);
  const text = await readFile(path, 'utf8');
  const panel = openPanels.get(path) ?? vscode.window.createWebviewPanel(type, title, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }, { enableScripts: false, enableForms: false, enableCommandUris: false, localResourceRoots: [] });
  if (!openPanels.has(path)) panel.onDidDispose(() => openPanels.delete(path));
  openPanels.set(path, panel);
  // Before all that is in the file.
  panel.webview.html = `<!doctype html>${policy}${text.replace(/^\s*<!doctype html>/i, '')}`;
  panel.reveal(undefined, true);
}
