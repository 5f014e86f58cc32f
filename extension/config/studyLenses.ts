/** What stands above a study file: how far it is, its table, running and stopping it. Read from its folder's files alone. */
import * as vscode from 'vscode';
import type { Runs } from '../runs/runs.ts';
import { throttle } from '../views/throttle.ts';

const refreshMilliseconds = 2000;

export class StudyFileLenses implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;
  private readonly subscriptions: vscode.Disposable[];

  constructor(runs: Runs) {
    const refresh = throttle(() => this.changed.fire(), refreshMilliseconds);
    // A study's runs are runs like any other: where they change, it does.
    this.subscriptions = [
      this.changed, refresh,
      runs.onDidChange(() => refresh()),
      vscode.workspace.onDidSaveTextDocument(() => refresh()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.changed.fire()),
      vscode.languages.registerCodeLensProvider({ language: 'json', scheme: 'file', pattern: '**/*.study.json' }, this),
    ];
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const { t } = vscode.l10n;
    const top = new vscode.Range(0, 0, 0, 0);
    const lens = (title: string, tooltip: string, command: string): vscode.CodeLens => new vscode.CodeLens(top, { title, tooltip, command, arguments: [document.uri] });
    const far = await howFar(document.uri.fsPath);
    const trusted = vscode.workspace.isTrusted;
    const lenses: vscode.CodeLens[] = [];
    if (trusted && far?.atWork) lenses.push(lens(`$(debug-stop) ${t('Stop')}`, t('Finish the step in work, save, and end'), 'siamscope.stopStudy'));
    else if (trusted && (!far || far.done < far.total)) lenses.push(lens(`$(run-all) ${far?.begun ? t('Go On') : t('Run Study')}`, t('Run every row with every seed, in a process that outlives this window; what is done is never run again'), 'siamscope.runStudy'));
    lenses.push(lens(`$(table) ${far ? t('Open Table: {0} of {1} runs done', far.done, far.total) : t('Open Table')}`, t('What came out so far, beside the paper\'s own numbers'), 'siamscope.openStudy'));
    return lenses;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

/** Null where the file as it was saved is no study. */
async function howFar(path: string): Promise<{ done: number; total: number; begun: boolean; atWork: boolean } | null> {
  const { isAtWork, readCells, readStudy, studyFolder } = await import('../../backend/study/reading.ts');
  try {
    const study = await readStudy(path);
    const folder = studyFolder(path, study);
    const [cells, atWork] = await Promise.all([readCells(study, folder), isAtWork(folder)]);
    return { done: cells.filter(({ state }) => state === 'done').length, total: cells.length, begun: cells.some(({ state }) => state !== 'waiting'), atWork };
  } catch {
    // What is wrong with it is said by the editor, and by the table.
    return null;
  }
}
