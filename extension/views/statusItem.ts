/** The one item in the status bar: the run that goes on. It is there only while one does. */
import * as vscode from 'vscode';
import type { Runs } from '../runs/runs.ts';
import { statusLine } from './statusLine.ts';
import { throttle } from './throttle.ts';

const refreshMilliseconds = 1000;

export function createStatusItem(runs: Runs): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('siamscope.run', vscode.StatusBarAlignment.Left, 10);
  item.name = 'SiamScope';
  item.command = 'siamscope.openRunning';
  const draw = (): void => {
    const line = statusLine(runs.all, vscode.l10n.t);
    if (!line) return item.hide();
    item.text = line.text;
    item.tooltip = line.tooltip;
    item.accessibilityInformation = { label: line.accessibleLabel, role: 'button' };
    item.backgroundColor = line.warning ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    item.show();
  };
  const refresh = throttle(draw, refreshMilliseconds);
  draw();
  return vscode.Disposable.from(item, refresh, runs.onDidChange(() => refresh()));
}
