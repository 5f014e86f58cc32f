/** Commands on checkpoints: where they are, and writing their encoder for other tools. */
import { basename, dirname, extname, join } from 'node:path';
import * as vscode from 'vscode';
import { commandJson } from '../command.ts';
import type { CheckpointNode } from '../views/checkpointsTree.ts';
import { bytesText } from '../views/text.ts';
import type { Parts } from './parts.ts';
import { revealFolder } from './runs.ts';

const { t } = vscode.l10n;

/** The tree's row that a command was called on. */
export function checkpointOf([node]: readonly unknown[]): CheckpointNode | undefined {
  return typeof node === 'object' && node !== null && 'kind' in node && node.kind === 'checkpoint' ? (node as CheckpointNode) : undefined;
}

export async function revealCheckpoint(_: Parts, args: readonly unknown[]): Promise<void> {
  const node = checkpointOf(args);
  if (node) await revealFolder(node.checkpoint.folder);
}

export async function copyCheckpointPath(_: Parts, args: readonly unknown[]): Promise<void> {
  const node = checkpointOf(args);
  if (node) await vscode.env.clipboard.writeText(node.checkpoint.folder);
}

/** A checkpoint of a run, or a file of any other origin. */
function exportSource({ runs }: Parts, args: readonly unknown[]): { path: string; suggestion: string; what: string } | null {
  const [uri] = args, node = checkpointOf(args);
  if (node) return { path: node.checkpoint.folder, suggestion: join(node.folder, `${runs.get(node.folder)?.status.name ?? 'encoder'}-${node.checkpoint.step}.safetensors`), what: t('step {0}', node.checkpoint.step) };
  if (!(uri instanceof vscode.Uri) || uri.scheme !== 'file') return null;
  const name = basename(uri.fsPath);
  return { path: uri.fsPath, suggestion: join(dirname(uri.fsPath), `${basename(name, extname(name))}-encoder.safetensors`), what: name };
}

/** Writes the encoder as timm loads it. */
export async function exportCheckpoint(parts: Parts, args: readonly unknown[]): Promise<void> {
  const source = exportSource(parts, args);
  if (!source) return;
  const { path, suggestion, what } = source;
  const target = await vscode.window.showSaveDialog({ defaultUri: vscode.Uri.file(suggestion), filters: { safetensors: ['safetensors'] }, title: t('Export the encoder of {0}', what), saveLabel: t('Export') });
  if (!target) return;
  const result = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: t('Exporting the encoder of {0}', what), cancellable: true }, (_progress, token) => {
    const controller = new AbortController();
    token.onCancellationRequested(() => controller.abort());
    return commandJson(parts.command, ['export', path, target.fsPath, '--json'], { signal: controller.signal });
  });
  const { tensors, bytes, timmModel, timmArguments } = result as { tensors?: unknown; bytes?: unknown; timmModel?: unknown; timmArguments?: unknown };
  parts.log.info(`exported ${path} to ${target.fsPath}; for timm: ${JSON.stringify(timmArguments)}`);
  const reveal = t('Reveal'), copy = t('Copy timm Call');
  const chosen = await vscode.window.showInformationMessage(t('{0}: {1} tensors, {2}', target.fsPath, Number(tensors), bytesText(Number(bytes))), reveal, copy);
  if (chosen === reveal) await revealFolder(target.fsPath);
  if (chosen === copy) await vscode.env.clipboard.writeText(`timm.create_model(${pythonLiteral(timmModel)}, **${pythonLiteral(timmArguments)})`);
}

const pythonLiteral = (value: unknown): string => JSON.stringify(value).replace(/\btrue\b/g, 'True').replace(/\bfalse\b/g, 'False').replace(/\bnull\b/g, 'None');
