/** The checkpoint inspector: a read-only editor of .safetensors, .pth and .pt files. Nothing in a file is run, nothing is launched, and only headers are read until values are asked for. */
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import type { CheckpointAction, CheckpointNotice, CheckpointOpen } from '../../backend/protocol.ts';
import { CheckpointHost } from '../checkpoint/host.ts';
import type { RunAround } from '../checkpoint/run.ts';
import type { CheckpointNode } from '../views/checkpointsTree.ts';
import { listCheckpoints } from '../views/checkpoints.ts';
import { Panel } from './panel.ts';

const { t } = vscode.l10n;
export const checkpointEditor = 'siamscope.checkpoint';

const commandOf: Readonly<Record<CheckpointAction, string>> = { correspond: 'siamscope.correspond', evaluate: 'siamscope.evaluateCheckpoint', export: 'siamscope.exportCheckpoint', resume: 'siamscope.resumeRun' };

/** To be disposed when the extension ends. */
export function registerCheckpointEditor(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): vscode.Disposable {
  return vscode.window.registerCustomEditorProvider(checkpointEditor, new CheckpointEditor(context, log), { supportsMultipleEditorsPerDocument: false });
}

class CheckpointEditor implements vscode.CustomReadonlyEditorProvider {
  private readonly context: vscode.ExtensionContext;
  private readonly log: vscode.LogOutputChannel;

  constructor(context: vscode.ExtensionContext, log: vscode.LogOutputChannel) {
    this.context = context;
    this.log = log;
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => undefined };
  }

  async resolveCustomEditor({ uri }: vscode.CustomDocument, webviewPanel: vscode.WebviewPanel): Promise<void> {
    const known = new Set(await vscode.commands.getCommands(true));
    const actions = (Object.keys(commandOf) as CheckpointAction[]).filter((action) => known.has(commandOf[action]));
    const host = new CheckpointHost({
      path: uri.fsPath, onDisk: uri.scheme === 'file', place: uri.scheme === 'file' ? vscode.workspace.asRelativePath(uri) : uri.toString(true),
      trusted: () => vscode.workspace.isTrusted,
      actions: () => actions,
      act: (action, run) => act(action, uri, run),
      choose, save,
      asText: async () => void (await vscode.commands.executeCommand('vscode.openWith', uri, 'default')),
      trust: async () => void (await vscode.commands.executeCommand('workbench.trust.manage')),
      onNotice: (notice) => panel.notice(notice),
    });
    const watching = [vscode.workspace.onDidGrantWorkspaceTrust(() => host.notify())];
    if (uri.scheme === 'file') {
      const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(dirname(uri.fsPath)), '*.{safetensors,pth,pt}'));
      const look = (changed: vscode.Uri): void => {
        if (changed.fsPath === uri.fsPath) host.lookAgain().catch((error: Error) => this.log.error(error));
      };
      watching.push(watcher, watcher.onDidChange(look), watcher.onDidCreate(look), watcher.onDidDelete(look));
    }
    const panel = new Panel<CheckpointOpen, CheckpointNotice>(this.context.extensionUri, webviewPanel, {
      view: 'checkpoint',
      open: () => host.open(),
      answer: (call, request) => host.answer(call, request),
      onVisible: (visible) => {
        if (visible) host.lookAgain().catch((error: Error) => this.log.error(error));
      },
      onClosed: () => {
        for (const part of watching) part.dispose();
        host.dispose();
      },
    });
    void host.load().then(() => {
      const { state, summary } = host.open();
      this.log.info(`${uri.fsPath}: ${state}${summary ? `, its header read in ${summary.opened.toFixed(0)} ms` : ''}`);
    });
  }
}

async function act(action: CheckpointAction, uri: vscode.Uri, run: RunAround | null): Promise<void> {
  if (action === 'resume') await vscode.commands.executeCommand(commandOf.resume, run?.folder);
  else await vscode.commands.executeCommand(commandOf[action], (await nodeOf(run)) ?? uri);
}

/** The checkpoint as the tree of checkpoints has it; null where the file lies in no run. */
async function nodeOf(run: RunAround | null): Promise<CheckpointNode | null> {
  if (!run) return null;
  const entries = await listCheckpoints(run.folder);
  const checkpoint = entries.find(({ folder }) => folder === run.checkpoint);
  return checkpoint ? { kind: 'checkpoint', folder: run.folder, checkpoint, newest: checkpoint === entries[0] } : null;
}

async function choose(): Promise<string | null> {
  const [chosen] = (await vscode.window.showOpenDialog({ canSelectMany: false, title: t('Compare with another checkpoint'), openLabel: t('Compare'), filters: { [t('Checkpoints')]: ['safetensors', 'pth', 'pt'] } })) ?? [];
  return chosen?.scheme === 'file' ? chosen.fsPath : null;
}

/** Asks where to, and writes the file; its name, or null where the user thought better of it. */
async function save(name: string, text: string): Promise<string | null> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const target = await vscode.window.showSaveDialog({ defaultUri: folder ? vscode.Uri.joinPath(folder, name) : vscode.Uri.file(name) });
  if (!target) return null;
  await vscode.workspace.fs.writeFile(target, Buffer.from(text));
  return vscode.workspace.asRelativePath(target);
}
