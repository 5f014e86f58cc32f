/** The tree of engines and of the machine they are on. */
import * as vscode from 'vscode';
import { readSetting } from '../readSettings.ts';
import type { Row } from '../views/runItem.ts';
import { escapeMarkdown } from '../views/text.ts';
import { tooltip, treeItem } from '../views/treeRow.ts';
import { engineDetails, engineRow, machineDetails, machineRow } from './engineRows.ts';
import type { EngineInventory } from './inventory.ts';

export interface EngineNode {
  row: Row;
  /** Rows below it. */
  details: Row[];
  /** The engine's name; null for the machine and for rows below. */
  engine: string | null;
}

export class EnginesTree implements vscode.TreeDataProvider<EngineNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly inventory: EngineInventory;
  private readonly subscriptions: vscode.Disposable[];

  constructor(inventory: EngineInventory) {
    this.inventory = inventory;
    this.subscriptions = [
      this.changed,
      inventory.onDidChange(() => this.changed.fire(undefined)),
      vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('siamscope.engine') && this.changed.fire(undefined)),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.changed.fire(undefined)),
    ];
  }

  async getChildren(element?: EngineNode): Promise<EngineNode[]> {
    if (element) return element.details.map((row) => ({ row, details: [], engine: null }));
    const { t } = vscode.l10n;
    const diagnosis = await this.inventory.get();
    if (!diagnosis) return [];
    const selected = readSetting('engine');
    return [
      ...diagnosis.engines.map((engine) => ({ row: engineRow(engine, diagnosis, selected, t), details: engineDetails(engine, t), engine: engine.name })),
      { row: machineRow(diagnosis, t), details: machineDetails(diagnosis, t), engine: null },
    ];
  }

  getTreeItem({ row, details }: EngineNode): vscode.TreeItem {
    const item = treeItem(row, details.length > 0 ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None);
    item.tooltip = tooltip([`**${escapeMarkdown(row.label)}** ${escapeMarkdown(row.description)}`, ...details.map(({ label, description }) => `${escapeMarkdown(label)}: ${escapeMarkdown(description)}`)].join('\n\n'));
    return item;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
