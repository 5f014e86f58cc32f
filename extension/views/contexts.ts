/** Keeps the context keys true, by which menus, the palette and empty views show only what applies. */
import * as vscode from 'vscode';
import type { EngineInventory } from '../engines/inventory.ts';
import type { Runs } from '../runs/runs.ts';
import { contextValues } from './contextKeys.ts';

export function keepContexts(runs: Runs, inventory: EngineInventory): vscode.Disposable {
  const set = new Map<string, boolean>();
  let looked = false;
  const update = (): void => {
    for (const [key, value] of Object.entries(contextValues(runs.all, { looked, noEngines: inventory.problem !== null }))) {
      if (set.get(key) === value) continue;
      set.set(key, value);
      void vscode.commands.executeCommand('setContext', key, value);
    }
  };
  update();
  const known = (): void => {
    looked = true;
    update();
  };
  runs.refresh().then(known, known);
  return vscode.Disposable.from(runs.onDidChange(update), inventory.onDidChange(update));
}
