/** Which runs a command is about: those it was called on, those selected, or one that is asked for. */
import * as vscode from 'vscode';
import type { Run } from '../runs/runs.ts';
import { runRow, stateText } from '../views/runItem.ts';
import type { Parts } from './parts.ts';

/** Given by a keybinding, which has no row to give: what is selected in the tree is meant. */
export const selectionArgument = 'selection';

const folderOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'object' && value !== null && 'folder' in value && typeof value.folder === 'string' ? value.folder : undefined;

/** The runs that arguments name: a run, a tree's row, a folder, or lists of these, as menus, lenses and panels give them. */
export function namedRuns({ runs, runsView }: Pick<Parts, 'runs' | 'runsView'>, args: readonly unknown[]): Run[] {
  const values = args[0] === selectionArgument ? runsView.selection : args.flat();
  const folders = new Set(values.map(folderOf).filter((folder) => folder !== undefined));
  return [...folders].map((folder) => runs.get(folder)).filter((run) => run !== undefined);
}

/** Asks for one of the runs that fit; the only one is taken without asking. Undefined where none fits or none was chosen. */
export async function askForRun({ runs }: Pick<Parts, 'runs'>, title: string, fits: (run: Run) => boolean): Promise<Run | undefined> {
  const fitting = runs.all.filter(fits);
  if (fitting.length < 2) return fitting[0];
  const chosen = await vscode.window.showQuickPick(fitting.map((run) => itemOf(run)), { title, placeHolder: vscode.l10n.t('Which run?'), matchOnDescription: true });
  return chosen && runs.get(chosen.folder);
}

/** Asks for two or more. */
export async function askForRuns({ runs }: Pick<Parts, 'runs'>, title: string): Promise<Run[]> {
  const chosen = await vscode.window.showQuickPick(runs.all.map((run) => itemOf(run)), { title, placeHolder: vscode.l10n.t('Which runs?'), canPickMany: true, matchOnDescription: true });
  return (chosen ?? []).map(({ folder }) => runs.get(folder)).filter((run) => run !== undefined);
}

function itemOf(run: Run): vscode.QuickPickItem & { folder: string } {
  const { icon, description } = runRow(run, vscode.l10n.t);
  return { folder: run.folder, label: `$(${icon}) ${run.status.name}`, description: run.state === 'running' ? description : `${stateText(run.state, vscode.l10n.t)} · ${description}`, detail: vscode.workspace.asRelativePath(run.folder) };
}

/** The run that a command is called on, or the one that is chosen among those that fit. */
export const oneRun = async (parts: Parts, args: readonly unknown[], title: string, fits: (run: Run) => boolean): Promise<Run | undefined> =>
  args[0] === undefined ? askForRun(parts, title, fits) : namedRuns(parts, args)[0];
