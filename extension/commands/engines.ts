/** Commands on engines: looking for them, installing one, and choosing the one that runs get. */
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import type { InstallProgress } from '../../backend/protocol.ts';
import { CommandError, lastWords } from '../command.ts';
import { engineTitles } from '../engines/engineRows.ts';
import type { EngineNode } from '../engines/enginesTree.ts';
import { readSetting, targetOf } from '../readSettings.ts';
import type { Parts } from './parts.ts';

const { t } = vscode.l10n;

type Installable = 'torch' | 'tensorflow';

const engineOf = ([node]: readonly unknown[]): string | null => (typeof node === 'object' && node !== null && 'engine' in node ? (node as EngineNode).engine : typeof node === 'string' ? node : null);

export const refreshEngines = (parts: Parts): Thenable<unknown> =>
  vscode.window.withProgress({ location: { viewId: 'siamscope.engines' } }, async () => {
    await parts.inventory.refresh();
    if (parts.inventory.problem !== null) throw new Error(t('This machine\'s engines could not be looked for: {0}', parts.inventory.problem));
  });

/** What can be installed, with whether it is for NVIDIA's GPUs. */
async function askForEngine(parts: Parts, given: string | null): Promise<{ name: Installable; cuda: boolean } | undefined> {
  const gpu = parts.inventory.diagnosis?.gpus[0]?.name ?? (existsSync('/proc/driver/nvidia/version') ? 'NVIDIA GPU' : null);
  const hasCudaBuild = process.platform === 'linux' || process.platform === 'win32';
  const items = [
    ...(hasCudaBuild ? [{ label: t('libtorch for NVIDIA GPUs'), description: gpu ?? '', detail: t('CUDA with its libraries: several GB'), name: 'torch' as const, cuda: true }] : []),
    { label: hasCudaBuild ? t('libtorch for the CPU') : t('libtorch'), description: '', detail: hasCudaBuild ? t('fp32 and bf16; some hundred MB') : t('CPU and GPU of this machine; some hundred MB'), name: 'torch' as const, cuda: false },
    { label: 'TensorFlow', description: '', detail: t('fp32 only; compiled on this machine where there is no binary'), name: 'tensorflow' as const, cuda: false },
  ].filter(({ name }) => given === null || name === given);
  // Without a GPU the CPU's build comes first.
  if (gpu === null) items.sort((a, b) => Number(a.cuda) - Number(b.cuda));
  if (items.length < 2) return items[0];
  return vscode.window.showQuickPick(items, { title: t('Install Engine'), placeHolder: t('Fetched once, with this machine\'s own uv or pip, and checked against pinned hashes') });
}

function parseProgress(line: string): InstallProgress | null {
  try {
    const value = JSON.parse(line) as Partial<InstallProgress>;
    return typeof value.message === 'string' ? (value as InstallProgress) : null;
  } catch {
    return null;
  }
}

export async function installEngine(parts: Parts, args: readonly unknown[]): Promise<void> {
  const wanted = await askForEngine(parts, engineOf(args));
  if (!wanted) return;
  const { name, cuda } = wanted;
  const lines: string[] = [];
  const outcome = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: t('Installing {0}', engineTitles[name]), cancellable: true }, async (progress, token) => {
    const controller = new AbortController();
    token.onCancellationRequested(() => controller.abort());
    let phase = '', percent = 0;
    const onLine = (line: string): void => {
      const step = parseProgress(line);
      if (!step) {
        lines.push(line);
        parts.log.info(line);
        return;
      }
      if (step.phase !== phase) {
        parts.log.info(step.message);
        phase = step.phase;
        percent = 0;
      }
      const now = step.bytes !== undefined && step.total ? Math.min(100, (100 * step.bytes) / step.total) : percent;
      // Fetching is most of the time, and unpacking the rest.
      progress.report({ message: `${step.message}${now > 0 ? ` ${Math.floor(now)} %` : ''}`, increment: Math.max(0, now - percent) * (step.phase === 'downloading' ? 0.8 : 0.2) });
      percent = Math.max(percent, now);
    };
    try {
      const { code } = await parts.command(['engine', 'install', name, '--json', ...(cuda ? ['--cuda'] : [])], { onLine, signal: controller.signal });
      if (token.isCancellationRequested) return 'cancelled';
      if (code !== 0) throw new CommandError(lastWords(lines, code));
      return 'done';
    } catch (error) {
      if (token.isCancellationRequested) return 'cancelled';
      throw error;
    }
  });
  if (outcome === 'cancelled') {
    parts.log.info('the installation was cancelled');
    return void vscode.window.showInformationMessage(t('Installing {0} was cancelled. What was fetched is kept: installing again goes on there.', engineTitles[name]));
  }
  await refreshEngines(parts);
  void vscode.window.showInformationMessage(t('{0} is installed, and new runs take it.', engineTitles[name]));
}

export async function selectEngine(parts: Parts, args: readonly unknown[]): Promise<void> {
  const name = engineOf(args) ?? (await askForSelection(parts));
  if (name === undefined) return;
  await vscode.workspace.getConfiguration('siamscope').update('engine', name, targetOf('engine'));
  parts.log.info(`runs get the engine "${name}", where their file leaves it open`);
}

async function askForSelection({ inventory }: Parts): Promise<string | undefined> {
  const selected = readSetting('engine');
  const diagnosis = await inventory.get();
  const ready = diagnosis?.engines.filter(({ status }) => status === 'ready') ?? [];
  const items = [
    { label: t('Automatic'), description: diagnosis?.chosen ? t('{0} just now', engineTitles[diagnosis.chosen]) : '', name: 'auto' },
    ...ready.map(({ name, version, device, deviceName }) => ({ label: `${engineTitles[name]} ${version ?? ''}`.trim(), description: [deviceName, device].filter((text) => text !== null).join(' · '), name })),
  ].map((item) => ({ ...item, label: `${item.name === selected ? '$(check)' : '$(blank)'} ${item.label}` }));
  return (await vscode.window.showQuickPick(items, { title: t('Select Engine'), placeHolder: t('For run files that leave the engine open') }))?.name;
}
