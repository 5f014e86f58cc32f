/** The curves panel: any metrics of any runs, followed live; ours, and other tools' files that the user points at. */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { CurvesNotice, CurvesOpen } from '../../backend/protocol.ts';
import type { Runs } from '../runs/runs.ts';
import { answerCurves } from '../series/answers.ts';
import { CurvesHost } from '../series/curvesHost.ts';
import { PanelMemory } from './memory.ts';
import { Panel } from './panel.ts';

const type = 'siamscope.curves';
const memoryOf = (context: vscode.ExtensionContext): PanelMemory<string[]> => new PanelMemory(context, 'siamscope.curves.panels');

interface OpenPanel {
  host: CurvesHost;
  panel: Panel<CurvesOpen, CurvesNotice>;
}

const openPanels = new Set<OpenPanel>();

/** Shows the curves of the runs in these folders: in the panel that shows them already, or in a new one. */
export function openCurves(context: vscode.ExtensionContext, runs: Runs, folders: string[]): void {
  const shown = [...openPanels].find(({ host }) => folders.length === host.watched.length && folders.every((folder) => host.watched.includes(folder)));
  if (shown) shown.panel.webviewPanel.reveal();
  else show(context, runs, randomUUID(), folders, Panel.create(context.extensionUri, type, titleOf(runs, folders)));
}

/** Asks for a folder or file of any tool's metrics and shows its curves. Nothing is launched: this works in an untrusted workspace. */
export async function watchFolder(context: vscode.ExtensionContext, runs: Runs, chosen?: vscode.Uri): Promise<void> {
  const sources = chosen ? [chosen.fsPath] : await chooseSources();
  if (sources.length > 0) openCurves(context, runs, sources);
}

/** Brings panels back after a reload. */
export function restoreCurves(context: vscode.ExtensionContext, runs: Runs): vscode.Disposable {
  return vscode.window.registerWebviewPanelSerializer(type, {
    deserializeWebviewPanel(webviewPanel: vscode.WebviewPanel, state: unknown) {
      const name = PanelMemory.nameIn(state);
      const sources = memoryOf(context).get(name) ?? [];
      show(context, runs, name === '' ? randomUUID() : name, sources, webviewPanel);
      return Promise.resolve();
    },
  });
}

function show(context: vscode.ExtensionContext, runs: Runs, name: string, sources: readonly string[], webviewPanel: vscode.WebviewPanel): void {
  const host = new CurvesHost(sources, {
    panel: name,
    roots: (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
    known: (folder) => runs.get(folder) ?? null,
    onNotice: (notice) => panel.notice(notice),
  });
  // Reading begins before the page is there.
  host.resume();
  const watching = [
    runs.onDidChange((run) => {
      if (webviewPanel.visible && (!run || host.runs.some(({ folder }) => folder === run.folder))) host.notify();
    }),
  ];
  const panel = new Panel<CurvesOpen, CurvesNotice>(context.extensionUri, webviewPanel, {
    view: 'curves',
    open: () => host.open(),
    answer: (call, request) => answerCurves(host, call, request, {
      save,
      add: async () => {
        let added = 0;
        for (const source of await chooseSources()) added += await host.add(source);
        await memoryOf(context).set(name, [...host.watched]);
        return added;
      },
    }),
    onVisible: (visible) => (visible ? host.resume() : host.pause()),
    onClosed: () => {
      for (const part of watching) part.dispose();
      host.dispose();
      openPanels.delete(entry);
    },
  });
  const entry: OpenPanel = { host, panel };
  openPanels.add(entry);
  void memoryOf(context).set(name, [...sources]);
}

/** Asks where to, and writes the file; its name, or null where the user thought better of it. */
async function save(name: string, bytes: Uint8Array): Promise<string | null> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const target = await vscode.window.showSaveDialog({ defaultUri: folder ? vscode.Uri.joinPath(folder, name) : vscode.Uri.file(name) });
  if (!target) return null;
  await vscode.workspace.fs.writeFile(target, bytes);
  return vscode.workspace.asRelativePath(target);
}

async function chooseSources(): Promise<string[]> {
  const chosen = await vscode.window.showOpenDialog({
    canSelectFolders: true, canSelectFiles: true, canSelectMany: true,
    title: vscode.l10n.t('Watch the metrics of any tool: a folder with TensorBoard events, or a metrics.jsonl'),
    openLabel: vscode.l10n.t('Watch'),
  });
  return (chosen ?? []).filter(({ scheme }) => scheme === 'file').map(({ fsPath }) => fsPath);
}

function titleOf(runs: Runs, folders: readonly string[]): string {
  const name = runs.get(folders[0] ?? '')?.status.name ?? folders[0]?.split(/[\\/]/).filter((part) => part !== '').at(-1) ?? '';
  return folders.length === 1 ? vscode.l10n.t('Curves: {0}', name) : vscode.l10n.t('Curves of {0} runs', folders.length);
}
