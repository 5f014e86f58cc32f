/** The tree of checkpoints, under the run that saved them. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Runs } from '../runs/runs.ts';
import { listCheckpoints, type CheckpointEntry } from './checkpoints.ts';
import { stateText, type Row } from './runItem.ts';
import { bytesText, escapeMarkdown, numberText } from './text.ts';
import { throttle } from './throttle.ts';
import { tooltip, treeItem } from './treeRow.ts';

interface RunNode {
  kind: 'run';
  folder: string;
}

export interface CheckpointNode {
  kind: 'checkpoint';
  /** Of the run. */
  folder: string;
  checkpoint: CheckpointEntry;
  newest: boolean;
}

type Node = RunNode | CheckpointNode;

const refreshMilliseconds = 1000;

export class CheckpointsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly runs: Runs;
  private readonly nodes = new Map<string, RunNode>();
  /** What was shown of each run: its newest checkpoint and its state. */
  private shown = new Map<string, string>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(runs: Runs) {
    this.runs = runs;
    const refresh = throttle(() => this.refresh(), refreshMilliseconds);
    this.subscriptions = [runs.onDidChange(() => refresh()), refresh, this.changed];
    this.shown = this.state();
  }

  /** Runs that have saved something. */
  private withCheckpoints() {
    return this.runs.all.filter(({ status }) => status.checkpoint !== null);
  }

  private state(): Map<string, string> {
    return new Map(this.withCheckpoints().map(({ folder, status, state }) => [folder, `${status.checkpoint} ${state}`]));
  }

  private refresh(): void {
    const next = this.state(), before = this.shown;
    this.shown = next;
    if ([...next.keys()].join('\u0000') !== [...before.keys()].join('\u0000')) return this.changed.fire(undefined);
    for (const [folder, state] of next) if (before.get(folder) !== state) this.changed.fire(this.node(folder));
  }

  private node(folder: string): RunNode {
    const node: RunNode = this.nodes.get(folder) ?? { kind: 'run', folder };
    this.nodes.set(folder, node);
    return node;
  }

  async getChildren(element?: Node): Promise<Node[]> {
    if (!element) return this.withCheckpoints().map(({ folder }) => this.node(folder));
    if (element.kind !== 'run') return [];
    const { folder } = element;
    return (await listCheckpoints(folder)).map((checkpoint, i) => ({ kind: 'checkpoint', folder, checkpoint, newest: i === 0 }));
  }

  getTreeItem(element: Node): vscode.TreeItem {
    const { t } = vscode.l10n;
    if (element.kind === 'run') {
      const run = this.runs.get(element.folder);
      if (!run) return new vscode.TreeItem(element.folder);
      const row: Row = { id: element.folder, label: run.status.name, description: stateText(run.state, t), icon: 'package', colour: null, contextValue: 'checkpoints', accessibleLabel: t('Checkpoints of run {0}', run.status.name) };
      return treeItem(row, run === this.withCheckpoints()[0] ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed);
    }
    const { checkpoint, newest } = element;
    const { step, loss, bytes, saved, epoch, folder } = checkpoint;
    const time = saved === null || Number.isNaN(Date.parse(saved)) ? null : timeText(new Date(saved));
    const description = [...(loss === null ? [] : [t('loss {0}', numberText(loss))]), ...(time === null ? [] : [time]), bytesText(bytes)].join(' · ');
    const item = treeItem({ id: folder, label: t('step {0}', step), description, icon: 'save', colour: newest ? 'charts.blue' : null, contextValue: 'checkpoint', accessibleLabel: t('Checkpoint of step {0}: {1}', step, description) });
    item.tooltip = tooltip([`**${t('step {0}', step)}**${epoch === null ? '' : ` · ${t('epoch {0}', Number(epoch.toFixed(2)))}`}`, description, `$(folder) ${escapeMarkdown(folder)}`].join('\n\n'));
    item.command = { command: 'vscode.open', title: t('Inspect'), arguments: [vscode.Uri.file(join(folder, 'model.safetensors'))] };
    return item;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

/** The hour where it was today, else the day as well. */
const timeText = (time: Date): string => (time.toDateString() === new Date().toDateString() ? time.toLocaleTimeString(vscode.env.language, { timeStyle: 'short' }) : time.toLocaleString(vscode.env.language, { dateStyle: 'medium', timeStyle: 'short' }));
