/** The augmentation lab's panel: what a run file's pipeline makes of its images, or of one image that the user points at. */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { AugmentationCalls, LabNotice, LabOpen } from '../../backend/protocol.ts';
import { backendCommand } from '../backend.ts';
import { isRunFile, runFileEnding } from '../config/runFileText.ts';
import { checkNode } from '../launch.ts';
import { readSetting } from '../readSettings.ts';
import { ViewBackend } from '../viewBackend.ts';
import { LabHost, type Replacement } from './augmentationHost.ts';
import { PanelMemory } from './memory.ts';
import { Panel } from './panel.ts';

const { t } = vscode.l10n;
const type = 'siamscope.augmentation';
const memoryOf = (context: vscode.ExtensionContext): PanelMemory<Subject> => new PanelMemory(context, 'siamscope.augmentation.panels');
/** The process is kept for someone who comes back soon. */
const endMilliseconds = 30_000;
const imageEnding = /\.(jpe?g|jfif|png|webp|avif|tiff?|gif|bmp)$/i;

interface Subject {
  /** Of the run file; null: the paper's own pipeline. */
  file: string | null;
  image: string | null;
}

interface OpenPanel extends Subject {
  panel: Panel<LabOpen, LabNotice>;
}

export interface LabParts {
  context: vscode.ExtensionContext;
  log: vscode.LogOutputChannel;
}

const openPanels = new Set<OpenPanel>();
let backend: ViewBackend<AugmentationCalls> | null = null;
let ending: NodeJS.Timeout | undefined;

function sharedBackend({ context, log }: LabParts): ViewBackend<AugmentationCalls> {
  clearTimeout(ending);
  return (backend ??= new ViewBackend<AugmentationCalls>(async () => {
    const launch = backendCommand(context.extensionUri);
    await checkNode(readSetting('nodePath'));
    return launch;
  }, (line) => log.info(line)));
}

/** Opens the lab on what a command was called on: a run file, an image, or what the user chooses. */
export async function previewAugmentations(parts: LabParts, uri: vscode.Uri | undefined): Promise<void> {
  const chosen = uri ?? vscode.window.activeTextEditor?.document.uri;
  if (chosen?.scheme === 'file' && isRunFile(chosen.path)) return openLab(parts, { file: chosen.fsPath, image: null });
  if (uri?.scheme === 'file' && imageEnding.test(uri.path)) {
    const file = await chooseRunFile(t('Whose pipeline is shown on {0}?', basename(uri.fsPath)), true);
    if (file !== undefined) openLab(parts, { file, image: uri.fsPath });
    return;
  }
  if (uri) throw new Error(t('{0} is neither a run file nor an image.', uri.fsPath));
  const subject = await chooseSubject();
  if (subject) openLab(parts, subject);
}

async function chooseSubject(): Promise<Subject | undefined> {
  const files = await runFiles();
  const image = { label: `$(file-media) ${t('An image…')}`, file: null };
  const items = [...files.map((uri) => ({ label: `$(json) ${vscode.workspace.asRelativePath(uri)}`, file: uri.fsPath })), image];
  const chosen = files.length === 0 ? image : await vscode.window.showQuickPick(items, { title: t('Preview Augmentations'), placeHolder: t('Of which run file, or of an image?') });
  if (!chosen) return undefined;
  if (chosen.file !== null) return { file: chosen.file, image: null };
  const [picked] = (await vscode.window.showOpenDialog({ canSelectMany: false, title: t('Choose an image'), filters: { [t('Images')]: ['jpg', 'jpeg', 'png', 'webp', 'avif', 'tif', 'tiff', 'gif', 'bmp'] } })) ?? [];
  if (picked?.scheme !== 'file') return undefined;
  const file = await chooseRunFile(t('Whose pipeline is shown on {0}?', basename(picked.fsPath)), true);
  return file === undefined ? undefined : { file, image: picked.fsPath };
}

const runFiles = (): Thenable<vscode.Uri[]> => vscode.workspace.findFiles(`**/*${runFileEnding}`, '**/{node_modules,.git,runs}/**', 200);

/** A run file's path; null: SiameseIM's own pipeline; undefined: the user thought better of it. */
async function chooseRunFile(title: string, orNone: boolean): Promise<string | null | undefined> {
  const files = await runFiles();
  if (files.length === 0) return null;
  const items = [...files.map((uri) => ({ label: `$(json) ${vscode.workspace.asRelativePath(uri)}`, file: uri.fsPath })), ...(orNone ? [{ label: `$(book) ${t('SiameseIM, as in the paper')}`, file: null }] : [])];
  return (await vscode.window.showQuickPick(items, { title }))?.file;
}

function openLab(parts: LabParts, subject: Subject): void {
  const shown = [...openPanels].find(({ file, image }) => file === subject.file && image === subject.image);
  if (shown) shown.panel.webviewPanel.reveal();
  else show(parts, randomUUID(), subject, Panel.create(parts.context.extensionUri, type, titleOf(subject)));
}

const titleOf = ({ file, image }: Subject): string => t('Augmentations: {0}', basename(image ?? file ?? ''));

/** Brings panels back after a reload. */
export function restoreLabs(parts: LabParts): vscode.Disposable {
  const restoring = vscode.window.registerWebviewPanelSerializer(type, {
    deserializeWebviewPanel(webviewPanel: vscode.WebviewPanel, state: unknown) {
      const name = PanelMemory.nameIn(state);
      show(parts, name === '' ? randomUUID() : name, memoryOf(parts.context).get(name) ?? { file: null, image: null }, webviewPanel);
      return Promise.resolve();
    },
  });
  return vscode.Disposable.from(restoring, { dispose: () => backend?.end() });
}

function show(parts: LabParts, name: string, subject: Subject, webviewPanel: vscode.WebviewPanel): void {
  const { context } = parts;
  const fileUri = subject.file === null ? null : vscode.Uri.file(subject.file);
  const named = (path: string): string => vscode.workspace.asRelativePath(path);
  const host = new LabHost({
    panel: name,
    backend: sharedBackend(parts),
    file: fileUri && { path: fileUri.fsPath, name: named(fileUri.fsPath), read: async () => (await vscode.workspace.openTextDocument(fileUri)).getText() },
    image: subject.image === null ? null : { path: subject.image, name: named(subject.image) },
    trusted: () => vscode.workspace.isTrusted,
    replace: (before, replacement) => replaceIn(fileUri!, before, replacement),
    choose: () => previewAugmentations(parts, undefined),
    trust: async () => void (await vscode.commands.executeCommand('workbench.trust.manage')),
    showFile: async () => void (fileUri && (await vscode.window.showTextDocument(fileUri, { viewColumn: columnOf(fileUri) ?? vscode.ViewColumn.Beside }))),
    onNotice: (notice) => panel.notice(notice),
  });
  const watching = [
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length > 0 && document.uri.toString() === fileUri?.toString()) host.changed();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void host.look(true)),
  ];
  const panel = new Panel<LabOpen, LabNotice>(context.extensionUri, webviewPanel, {
    view: 'augmentation',
    open: () => host.open(),
    answer: (call, request) => host.answer(call, request),
    // A page that is shown again asks for what it shows.
    onVisible: () => undefined,
    onClosed: () => {
      for (const part of watching) part.dispose();
      host.dispose();
      openPanels.delete(entry);
      if (openPanels.size === 0) ending = setTimeout(() => backend?.end(), endMilliseconds);
    },
  });
  const entry: OpenPanel = { ...subject, panel };
  openPanels.add(entry);
  void host.look(true);
  void memoryOf(context).set(name, { file: subject.file, image: subject.image });
}

/** One edit, which is undone at once, and is not saved. */
async function replaceIn(uri: vscode.Uri, before: string, { offset, length, text }: Replacement): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri);
  if (document.getText() !== before) throw new Error(t('{0} was changed meanwhile: try again.', vscode.workspace.asRelativePath(uri)));
  const edit = new vscode.WorkspaceEdit();
  edit.replace(uri, new vscode.Range(document.positionAt(offset), document.positionAt(offset + length)), text);
  if (!(await vscode.workspace.applyEdit(edit))) throw new Error(t('{0} could not be changed.', vscode.workspace.asRelativePath(uri)));
  // Where it is open its tab shows that it is not saved; a change that nobody could see is shown beside.
  if (columnOf(uri) === undefined) await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true, preview: false });
}

/** Of the tab that has the file. */
const columnOf = (uri: vscode.Uri): vscode.ViewColumn | undefined => vscode.window.tabGroups.all.find(({ tabs }) => tabs.some(({ input }) => input instanceof vscode.TabInputText && input.uri.toString() === uri.toString()))?.viewColumn;
