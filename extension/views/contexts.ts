/** Keeps the context keys true, by which menus and the palette show only what applies. */
import * as vscode from 'vscode';
import type { Runs } from '../runs/runs.ts';
import { contextValues } from './contextKeys.ts';

export function keepContexts(runs: Runs): vscode.Disposable {
  const set = new Map<string, boolean>();
  const update = (): void => {
    for (const [key, value] of Object.entries(contextValues(runs.all))) {
      if (set.get(key) === value) continue;
      set.set(key, value);
      void vscode.commands.executeCommand('setContext', key, value);
    }
  };
  update();
  return runs.onDidChange(update);
}
