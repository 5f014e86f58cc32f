/** The correspondence view's panel: which patch of one picture a checkpoint takes for which patch of another. */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { CorrespondenceCalls, LookNotice, LookOpen } from '../../backend/protocol.ts';
import { backendCommand } from '../backend.ts';
import { checkNode } from '../launch.ts';
import { readSetting } from '../readSettings.ts';
import type { Run, Runs } from '../runs/runs.ts';
import { ViewBackend } from '../viewBackend.ts';
import { listCheckpoints } from '../views/checkpoints.ts';
import { isLiving, runRow } from '../views/runItem.ts';
import { LookHost, type LookAbout, type Subject } from './correspondenceHost.ts';
import { PanelMemory } from './memory.ts';
import { Panel } from './panel.ts';

const { t } = vscode.l10n;
const type = 'siamscope.correspondence';
const memoryOf = (context: vscode.ExtensionContext): PanelMemory<LookAbout> => new PanelMemory(context, 'siamscope.correspondence.panels');
/** The process is kept for someone who comes back soon: it holds models. */
const endMilliseconds = 30_000;
const imageEnding = /\.(jpe?g|jfif|png|webp|avif|tiff?|gif|bmp)$/i;
const imageFilters = ['jpg', 'jpeg', 'png', 'webp', 'avif', 'tif', 'tiff', 'gif', 'bmp'];

export interface LookParts {
  context: vscode.ExtensionContext;
  log: vscode.LogOutputChannel;
  runs: Runs;
}

interface OpenPanel {
  key: string;
  panel: Panel<LookOpen, LookNotice>;
}

const openPanels = new Set<OpenPanel>();
let backend: ViewBackend<CorrespondenceCalls> | null = null;
let ending: NodeJS.Timeout | undefined;

function sharedBackend({ context, log }: LookParts): ViewBackend<CorrespondenceCalls> {
  clearTimeout(ending);
  return (backend ??= new ViewBackend<CorrespondenceCalls>(async () => {
    const launch = backendCommand(context.extensionUri);
    await checkNode(readSetting('nodePath'));
    return launch;
  }, (line) => log.info(line)));
}

/** Opens the view on a run (its newest checkpoint, or one), a checkpoint's file, an image, or what the user chooses. */
export async function correspond(parts: LookParts, on: Subject | vscode.Uri | undefined): Promise<void> {
  if (on instanceof vscode.Uri) {
    if (on.scheme !== 'file') throw new Error(t('{0} does not lie on this machine.', on.toString(true)));
    if (!imageEnding.test(on.path)) return openLook(parts, { subjects: [{ kind: 'file', path: on.fsPath, step: null }], images: null, others: null });
    const subject = await chooseSubject(parts.runs, t('Which checkpoint looks at {0}?', basename(on.fsPath)));
    if (subject) openLook(parts, { subjects: [subject], images: on.fsPath, others: null });
    return;
  }
  const subject = on ?? (await chooseSubject(parts.runs, t('Dense Correspondence')));
  if (subject) openLook(parts, { subjects: [subject], images: null, others: null });
}

/** A run that has saved something, or any checkpoint's file. */
async function chooseSubject(runs: Runs, title: string): Promise<Subject | null> {
  const saved = runs.all.filter(({ status }) => status.checkpoint !== null);
  const file = { label: `$(file) ${t('A checkpoint file…')}`, description: '', subject: null };
  const items = [...saved.map((run) => itemOf(run)), file];
  const chosen = saved.length === 0 ? file : await vscode.window.showQuickPick(items, { title, placeHolder: t('Which run or checkpoint?'), matchOnDescription: true });
  if (!chosen) return null;
  if (chosen.subject) return chosen.subject;
  const [picked] = (await vscode.window.showOpenDialog({ canSelectMany: false, title: t('Choose a checkpoint'), filters: { [t('Checkpoints')]: ['safetensors', 'pth', 'pt'] } })) ?? [];
  return picked?.scheme === 'file' ? { kind: 'file', path: picked.fsPath, step: null } : null;
}

function itemOf(run: Run): vscode.QuickPickItem & { subject: Subject } {
  const { icon, description } = runRow(run, t);
  return { label: `$(${icon}) ${run.status.name}`, description: `${t('step {0}', run.status.checkpoint ?? 0)} · ${description}`, subject: { kind: 'run', path: run.folder, step: null } };
}

async function chooseImages(): Promise<string | null> {
  const one = { label: `$(file-media) ${t('An image…')}`, folder: false }, folder = { label: `$(folder) ${t('A folder of images…')}`, folder: true };
  const kind = await vscode.window.showQuickPick([one, folder], { title: t('Which images?') });
  if (!kind) return null;
  const [picked] = (await vscode.window.showOpenDialog({ canSelectMany: false, canSelectFiles: !kind.folder, canSelectFolders: kind.folder, title: t('Choose images'), ...(kind.folder ? {} : { filters: { [t('Images')]: imageFilters } }) })) ?? [];
  return picked?.scheme === 'file' ? picked.fsPath : null;
}

const keyOf = ({ subjects, images }: LookAbout): string => JSON.stringify([subjects, images]);

function openLook(parts: LookParts, about: LookAbout): void {
  const shown = [...openPanels].find(({ key }) => key === keyOf(about));
  if (shown) shown.panel.webviewPanel.reveal();
  else show(parts, randomUUID(), about, Panel.create(parts.context.extensionUri, type, titleOf(parts.runs, about)));
}

function titleOf(runs: Runs, { subjects, images }: LookAbout): string {
  const [first] = subjects;
  const name = images !== null ? basename(images) : first ? (runs.get(first.path)?.status.name ?? basename(first.path)) : '';
  return t('Correspondence: {0}', name);
}

/** Brings panels back after a reload. */
export function restoreLooks(parts: LookParts): vscode.Disposable {
  const restoring = vscode.window.registerWebviewPanelSerializer(type, {
    deserializeWebviewPanel(webviewPanel: vscode.WebviewPanel, state: unknown) {
      const name = PanelMemory.nameIn(state);
      show(parts, name === '' ? randomUUID() : name, memoryOf(parts.context).get(name) ?? { subjects: [], images: null, others: null }, webviewPanel);
      return Promise.resolve();
    },
  });
  return vscode.Disposable.from(restoring, { dispose: () => backend?.end() });
}

function show(parts: LookParts, name: string, about: LookAbout, webviewPanel: vscode.WebviewPanel): void {
  const { context, runs } = parts;
  const host = new LookHost({
    ...about, panel: name, backend: sharedBackend(parts),
    trusted: () => vscode.workspace.isTrusted,
    named: (path) => vscode.workspace.asRelativePath(path),
    run: (folder) => {
      const run = runs.get(folder);
      return { name: run?.status.name ?? basename(folder), living: run !== undefined && isLiving(run) };
    },
    steps: async (folder) => (await listCheckpoints(folder)).map(({ step }) => step),
    chooseSubject: () => chooseSubject(runs, t('Compare with')),
    chooseImages,
    save,
    trust: async () => void (await vscode.commands.executeCommand('workbench.trust.manage')),
    onAbout: ({ subjects, images, others }) => void memoryOf(context).set(name, { subjects, images, others }),
    onNotice: (notice) => panel.notice(notice),
  });
  let before = '';
  const watching = [
    runs.onDidChange((run) => {
      if (!webviewPanel.visible || (run && !host.isAbout(run.folder))) return;
      // A run tells of each step; the page is told where there is another checkpoint, or the run has ended.
      const now = runs.all.filter(({ folder }) => host.isAbout(folder)).map(({ folder, status, state }) => `${folder} ${status.checkpoint} ${state} ${status.name}`).join('\n');
      if (now === before) return;
      before = now;
      void host.runChanged();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void host.look()),
  ];
  const panel = new Panel<LookOpen, LookNotice>(context.extensionUri, webviewPanel, {
    view: 'correspondence',
    open: () => host.open(),
    answer: (call, request) => host.answer(call, request),
    onVisible: (visible) => {
      if (visible) void host.runChanged();
    },
    onClosed: () => {
      for (const part of watching) part.dispose();
      host.dispose();
      openPanels.delete(entry);
      if (openPanels.size === 0) ending = setTimeout(() => backend?.end(), endMilliseconds);
    },
  });
  const entry: OpenPanel = { key: keyOf(about), panel };
  openPanels.add(entry);
  void host.look();
  void memoryOf(context).set(name, { subjects: about.subjects, images: about.images, others: about.others });
}

/** Asks where to, and writes the file; its name, or null where the user thought better of it. */
async function save(name: string, bytes: Uint8Array): Promise<string | null> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const target = await vscode.window.showSaveDialog({ defaultUri: folder ? vscode.Uri.joinPath(folder, name) : vscode.Uri.file(name) });
  if (!target) return null;
  await vscode.workspace.fs.writeFile(target, bytes);
  return vscode.workspace.asRelativePath(target);
}
