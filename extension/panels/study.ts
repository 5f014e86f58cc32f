/** The panel of a study's table: opened on a *.study.json, live from its files, restored after a reload. Looking launches nothing. */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { StudyNotice, StudyOpen } from '../../backend/protocol.ts';
import { runStudy, stopStudy } from '../runs/studies.ts';
import type { Command } from '../command.ts';
import type { Runs } from '../runs/runs.ts';
import { PanelMemory } from './memory.ts';
import { Panel } from './panel.ts';
import type { StudyHost } from './studyHost.ts';

const { t } = vscode.l10n;
const type = 'siamscope.study';

export interface StudyParts {
  context: vscode.ExtensionContext;
  log: vscode.LogOutputChannel;
  runs: Runs;
  command: Command;
}

interface OpenPanel {
  path: string;
  host: StudyHost;
  panel: Panel<StudyOpen, StudyNotice>;
}

const openPanels = new Set<OpenPanel>();
const memoryOf = (context: vscode.ExtensionContext): PanelMemory<string> => new PanelMemory(context, 'siamscope.study.panels');

/** Shows the table of the study file at `path`: in the panel that shows it already, or in a new one. */
export async function openStudyTable(parts: StudyParts, path: string): Promise<void> {
  const shown = [...openPanels].find((open) => open.path === path);
  if (shown) shown.panel.webviewPanel.reveal();
  else await show(parts, randomUUID(), path, Panel.create(parts.context.extensionUri, type, titleOf(path)));
}

/** Looks at the study's files at once, where a panel shows them: something was just done to it. */
export function lookAtStudy(path: string): void {
  for (const { path: shown, host } of openPanels) if (shown === path) void host.look();
}

/** Brings panels back after a reload. */
export function restoreStudies(parts: StudyParts): vscode.Disposable {
  return vscode.window.registerWebviewPanelSerializer(type, {
    async deserializeWebviewPanel(webviewPanel: vscode.WebviewPanel, state: unknown) {
      const name = PanelMemory.nameIn(state);
      const path = memoryOf(parts.context).get(name);
      if (path === undefined) webviewPanel.dispose();
      else await show(parts, name, path, webviewPanel);
    },
  });
}

/** What reads studies is loaded with the first panel: a window without one does not wait for it. */
async function show(parts: StudyParts, name: string, path: string, webviewPanel: vscode.WebviewPanel): Promise<void> {
  const { StudyHost } = await import('./studyHost.ts');
  const { context, runs, log } = parts;
  const host = new StudyHost({
    panel: name, path, file: vscode.workspace.asRelativePath(path),
    trusted: () => vscode.workspace.isTrusted,
    curves: async (folders) => {
      const { openCurves } = await import('./curves.ts');
      openCurves(context, runs, folders);
    },
    correspond: async (folder) => {
      const { correspond } = await import('./correspondence.ts');
      await correspond({ context, log, runs }, { kind: 'run', path: folder, step: null });
    },
    reveal: async (folder) => {
      const { revealFolder } = await import('../commands/runs.ts');
      await revealFolder(folder);
    },
    copy: async (text) => vscode.env.clipboard.writeText(text),
    show: async (file) => void (await vscode.window.showTextDocument(vscode.Uri.file(file), { preview: true })),
    run: (file) => runStudy(parts, file),
    stop: (holder) => stopStudy(holder),
    trust: async () => void (await vscode.commands.executeCommand('workbench.trust.manage')),
    onNotice: (notice) => panel.notice(notice),
  });
  const watching = [
    vscode.workspace.onDidGrantWorkspaceTrust(() => host.notify()),
    // Saved: shown before the next look.
    vscode.workspace.onDidSaveTextDocument(({ uri }) => {
      if (uri.fsPath === path && webviewPanel.visible) void host.look();
    }),
  ];
  const panel = new Panel<StudyOpen, StudyNotice>(context.extensionUri, webviewPanel, {
    view: 'study',
    open: () => host.open(),
    answer: (call, request) => host.answer(call, request),
    onVisible: (visible) => (visible ? host.resume() : host.pause()),
    onClosed: () => {
      for (const part of watching) part.dispose();
      host.dispose();
      openPanels.delete(entry);
    },
  });
  const entry: OpenPanel = { path, host, panel };
  openPanels.add(entry);
  if (webviewPanel.visible) host.resume();
  void memoryOf(context).set(name, path);
}

const titleOf = (path: string): string => t('Study: {0}', basename(path).replace(/(\.study)?\.json$/, ''));
