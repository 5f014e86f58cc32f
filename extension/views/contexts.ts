/** What menus and the palette may know: which commands apply just now. */
import * as vscode from 'vscode';
import type { Runs } from '../runs/runs.ts';
import { isLiving, isResumable } from './runItem.ts';

/** Names of the context keys, as package.json's `when` clauses have them. */
export const contextKeys = ['siamscope.hasRuns', 'siamscope.hasSeveralRuns', 'siamscope.hasLivingRun', 'siamscope.hasResumableRun', 'siamscope.hasEndedRun', 'siamscope.hasQueuedRun'] as const;

export function keepContexts(runs: Runs): vscode.Disposable {
  const set = new Map<string, boolean>();
  const update = (): void => {
    const { all } = runs;
    const values: Record<(typeof contextKeys)[number], boolean> = {
      'siamscope.hasRuns': all.length > 0,
      'siamscope.hasSeveralRuns': all.length > 1,
      'siamscope.hasLivingRun': all.some(isLiving),
      'siamscope.hasResumableRun': all.some(isResumable),
      'siamscope.hasEndedRun': all.some((run) => !isLiving(run)),
      'siamscope.hasQueuedRun': all.some(({ state }) => state === 'queued'),
    };
    for (const [key, value] of Object.entries(values)) {
      if (set.get(key) === value) continue;
      set.set(key, value);
      void vscode.commands.executeCommand('setContext', key, value);
    }
  };
  update();
  return runs.onDidChange(update);
}
