/** What the commands work with: the extension's parts, made once in activate(). */
import type * as vscode from 'vscode';
import type { Command } from '../command.ts';
import type { EngineInventory } from '../engines/inventory.ts';
import type { Launch } from '../launch.ts';
import type { Runs } from '../runs/runs.ts';
import type { RunLogs } from '../views/runLog.ts';
import type { CheckpointNode } from '../views/checkpointsTree.ts';
import type { RunsNode, RunsTree } from '../views/runsTree.ts';

export interface Parts {
  context: vscode.ExtensionContext;
  log: vscode.LogOutputChannel;
  command: Command;
  /** How a process of the command is made, for tasks in a terminal. */
  process: () => Launch | Promise<Launch>;
  runs: Runs;
  runLogs: RunLogs;
  runsTree: RunsTree;
  runsView: vscode.TreeView<RunsNode>;
  /** A checkpoint was evaluated, and what came out is in this file: its row is shown. */
  evaluated(node: CheckpointNode, record: string): Promise<void>;
  inventory: EngineInventory;
}
