/** The tree of runs: one row a run, its particulars below it; live, and only what changed is drawn again. */
import * as vscode from 'vscode';
import type { Runs } from '../runs/runs.ts';
import { DrawnRows } from './drawnRows.ts';
import { detailRows, runRow, runTooltip, type Row } from './runItem.ts';
import { throttle } from './throttle.ts';
import { tooltip, treeItem } from './treeRow.ts';

export interface RunNode {
  kind: 'run';
  folder: string;
}

interface DetailNode {
  kind: 'detail';
  folder: string;
  row: Row;
}

export type RunsNode = RunNode | DetailNode;

/** Often enough to be live, and seldom enough for the editor to show a tooltip, which it takes away when its row is drawn. */
const refreshMilliseconds = 1000;
/** A row whose tooltip is being read is left alone for so long, unless its state changes. */
const readingMilliseconds = 8000;

export class RunsTree implements vscode.TreeDataProvider<RunsNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<RunsNode | RunsNode[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly runs: Runs;
  /** One object a run for the tree's whole life: the editor tells rows apart by them. */
  private readonly nodes = new Map<string, RunNode>();
  /** Until runs have been looked for once, the tree is not empty but unknown. */
  private readonly ready: Promise<void>;
  private readonly drawn = new DrawnRows<Row & { details: Row[] }>();
  /** The run whose tooltip is being read. */
  private reading: { folder: string; state: string; timer: NodeJS.Timeout } | null = null;
  private readonly subscriptions: vscode.Disposable[];

  constructor(runs: Runs) {
    this.runs = runs;
    this.ready = runs.refresh().catch(() => undefined);
    const refresh = throttle(() => this.refresh(), refreshMilliseconds);
    this.subscriptions = [runs.onDidChange(() => refresh()), refresh, this.changed];
    this.refresh();
  }

  node(folder: string): RunNode {
    const node: RunNode = this.nodes.get(folder) ?? { kind: 'run', folder };
    this.nodes.set(folder, node);
    return node;
  }

  async getChildren(element?: RunsNode): Promise<RunsNode[]> {
    await this.ready;
    if (!element) return this.runs.all.map(({ folder }) => this.node(folder));
    const run = element.kind === 'run' ? this.runs.get(element.folder) : undefined;
    return run ? detailRows(run, vscode.l10n.t).map((row) => ({ kind: 'detail', folder: run.folder, row })) : [];
  }

  getParent(element: RunsNode): RunsNode | undefined {
    return element.kind === 'detail' ? this.node(element.folder) : undefined;
  }

  getTreeItem(element: RunsNode): vscode.TreeItem {
    if (element.kind === 'detail') return treeItem(element.row);
    const run = this.runs.get(element.folder);
    if (!run) return new vscode.TreeItem(element.folder);
    return treeItem(runRow(run, vscode.l10n.t), vscode.TreeItemCollapsibleState.Collapsed);
  }

  /** Asked for when a row is pointed at: the story is told as it is then. */
  resolveTreeItem(item: vscode.TreeItem, element: RunsNode): vscode.TreeItem {
    const run = element.kind === 'run' ? this.runs.get(element.folder) : undefined;
    if (run) {
      this.endReading();
      this.reading = { folder: run.folder, state: run.state, timer: setTimeout(() => {
        this.endReading();
        this.refresh();
      }, readingMilliseconds) };
    }
    item.tooltip = run ? tooltip(runTooltip(run, vscode.l10n.t)) : element.kind === 'detail' ? element.row.accessibleLabel : undefined;
    return item;
  }

  private refresh(): void {
    const { reading } = this;
    if (reading && this.runs.get(reading.folder)?.state !== reading.state) this.endReading();
    const rows = this.runs.all.map((run) => ({ ...runRow(run, vscode.l10n.t), details: detailRows(run, vscode.l10n.t) }));
    const { structure, changed } = this.drawn.update(rows, (folder) => folder === this.reading?.folder);
    if (structure) this.changed.fire(undefined);
    else if (changed.length > 0) this.changed.fire(changed.map((folder) => this.node(folder)));
  }

  private endReading(): void {
    clearTimeout(this.reading?.timer);
    this.reading = null;
  }

  dispose(): void {
    this.endReading();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
