/** The tree of checkpoints, under the run that saved them. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Runs } from '../runs/runs.ts';
import { listCheckpoints, type CheckpointEntry } from './checkpoints.ts';
import { evaluationText, listEvaluations, protocolTitle, type Evaluation } from './evaluations.ts';
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

export interface EvaluationNode {
  kind: 'evaluation';
  /** What was evaluated. */
  of: CheckpointNode;
  evaluation: Evaluation;
}

export type CheckpointsNode = RunNode | CheckpointNode | EvaluationNode;
type Node = CheckpointsNode;

const refreshMilliseconds = 1000;

export class CheckpointsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly runs: Runs;
  private readonly nodes = new Map<string, RunNode>();
  /** What was shown of each run: its newest checkpoint and its state. */
  private shown = new Map<string, string>();
  /** Of each run whose checkpoints are listed. */
  private readonly evaluations = new Map<string, Evaluation[]>();
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
    if (element.kind === 'checkpoint') return this.of(element).map((evaluation) => ({ kind: 'evaluation', of: element, evaluation }));
    if (element.kind !== 'run') return [];
    const { folder } = element;
    this.evaluations.set(folder, await listEvaluations(folder));
    return (await listCheckpoints(folder)).map((checkpoint, i) => ({ kind: 'checkpoint', folder, checkpoint, newest: i === 0 }));
  }

  getParent(element: Node): Node | undefined {
    return element.kind === 'evaluation' ? element.of : element.kind === 'checkpoint' ? this.node(element.folder) : undefined;
  }

  /** Shows the row of an evaluation that was just made. */
  async evaluated(view: vscode.TreeView<Node>, of: CheckpointNode, record: string): Promise<void> {
    const all = await listEvaluations(of.folder);
    this.evaluations.set(of.folder, all);
    this.changed.fire(this.node(of.folder));
    const evaluation = all.find(({ path }) => path === record);
    // Where the view is closed there is nothing to select, and the report is opened all the same.
    if (evaluation) await view.reveal({ kind: 'evaluation', of, evaluation }, { select: true, focus: false }).then(undefined, () => undefined);
  }

  private of({ folder, checkpoint: { step } }: CheckpointNode): Evaluation[] {
    return (this.evaluations.get(folder) ?? []).filter((evaluation) => evaluation.step === step);
  }

  getTreeItem(element: Node): vscode.TreeItem {
    const { t } = vscode.l10n;
    if (element.kind === 'run') {
      const run = this.runs.get(element.folder);
      if (!run) return new vscode.TreeItem(element.folder);
      const row: Row = { id: element.folder, label: run.status.name, description: stateText(run.state, t), icon: 'package', colour: null, contextValue: 'checkpoints', accessibleLabel: t('Checkpoints of run {0}', run.status.name) };
      return treeItem(row, run === this.withCheckpoints()[0] ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed);
    }
    if (element.kind === 'evaluation') return evaluationItem(element);
    const { checkpoint, newest } = element;
    const { step, loss, bytes, saved, epoch, folder } = checkpoint;
    const time = saved === null || Number.isNaN(Date.parse(saved)) ? null : timeText(new Date(saved));
    const description = [...(loss === null ? [] : [t('loss {0}', numberText(loss))]), ...(time === null ? [] : [time]), bytesText(bytes)].join(' · ');
    const item = treeItem({ id: folder, label: t('step {0}', step), description, icon: 'save', colour: newest ? 'charts.blue' : null, contextValue: 'checkpoint', accessibleLabel: t('Checkpoint of step {0}: {1}', step, description) }, this.of(element).length > 0 ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.None);
    item.tooltip = tooltip([`**${t('step {0}', step)}**${epoch === null ? '' : ` · ${t('epoch {0}', Number(epoch.toFixed(2)))}`}`, description, `$(folder) ${escapeMarkdown(folder)}`].join('\n\n'));
    item.command = { command: 'vscode.open', title: t('Inspect'), arguments: [vscode.Uri.file(join(folder, 'model.safetensors'))] };
    return item;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function evaluationItem(node: EvaluationNode): vscode.TreeItem {
  const { t } = vscode.l10n;
  const { evaluation } = node;
  const { path, protocol, finished, top5 } = evaluation;
  const title = protocolTitle(protocol), text = evaluationText(evaluation, t);
  const item = treeItem({ id: path, label: title, description: text, icon: 'beaker', colour: null, contextValue: 'evaluation', accessibleLabel: t('Evaluation by {0}: {1}', title, text) });
  item.tooltip = tooltip([`**${escapeMarkdown(title)}** · ${escapeMarkdown(text)}`, ...(top5 ? [t('top-5: {0} %', (100 * top5.value).toFixed(1))] : []), ...(Number.isNaN(Date.parse(finished)) ? [] : [timeText(new Date(finished))]), `$(file) ${escapeMarkdown(path)}`].join('\n\n'));
  item.command = { command: 'siamscope.openEvaluation', title: t('Open Report'), arguments: [node] };
  return item;
}

/** The hour where it was today, else the day as well. */
const timeText = (time: Date): string => (time.toDateString() === new Date().toDateString() ? time.toLocaleTimeString(vscode.env.language, { timeStyle: 'short' }) : time.toLocaleString(vscode.env.language, { dateStyle: 'medium', timeStyle: 'short' }));
