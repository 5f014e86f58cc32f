/** What stands above a run file: start or resume it, open the run of its name, and what it would train on. */
import * as vscode from 'vscode';
import type { Runs } from '../runs/runs.ts';
import { isLiving, isResumable, stateText, stepText } from '../views/runItem.ts';
import { countText } from '../views/text.ts';
import { throttle } from '../views/throttle.ts';
import type { RunFileDiagnostics } from './diagnostics.ts';
import { runFolderOf } from './runFileText.ts';

const refreshMilliseconds = 1000;

export class RunFileLenses implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;
  private readonly runs: Runs;
  private readonly diagnostics: RunFileDiagnostics;
  private readonly subscriptions: vscode.Disposable[];

  constructor(runs: Runs, diagnostics: RunFileDiagnostics) {
    this.runs = runs;
    this.diagnostics = diagnostics;
    const refresh = throttle(() => this.changed.fire(), refreshMilliseconds);
    this.subscriptions = [
      this.changed, refresh,
      runs.onDidChange(() => refresh()),
      diagnostics.onDidCheck(() => this.changed.fire()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.changed.fire()),
      vscode.languages.registerCodeLensProvider({ language: 'json', scheme: 'file', pattern: '**/*.siam.json' }, this),
    ];
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const { t } = vscode.l10n;
    const top = new vscode.Range(0, 0, 0, 0);
    const lens = (title: string, tooltip: string, command: string, ...args: unknown[]): vscode.CodeLens => new vscode.CodeLens(top, { title, tooltip, command, arguments: args });
    const folder = runFolderOf(document.uri.fsPath, document.getText());
    const run = folder === null ? undefined : this.runs.get(folder);
    const trusted = vscode.workspace.isTrusted;
    const lenses: vscode.CodeLens[] = [];
    if (trusted && (!run || !isLiving(run))) {
      if (run && isResumable(run)) lenses.push(lens(`$(debug-continue) ${t('Resume')}`, t('Go on from step {0}', run.status.checkpoint ?? 0), 'siamscope.resumeRun', run.folder));
      lenses.push(lens(`$(play) ${t('Start')}`, run ? t('Start anew: asks for another name first') : t('Train this run on this machine'), 'siamscope.startRun', document.uri));
    }
    if (run) {
      lenses.push(lens(`$(graph-line) ${t('Open Run')}: ${stateText(run.state, t)}, ${stepText(run.status)}`, t('Show the curves of {0}', run.status.name), 'siamscope.openCurves', run.folder));
      if (trusted && (run.state === 'running' || run.state === 'queued' || run.state === 'starting')) lenses.push(lens(`$(debug-stop) ${t('Stop')}`, t('Finish the step in work, save, and end'), 'siamscope.stopRun', run.folder));
    }
    lenses.push(lens(`$(eye) ${t('Preview Augmentations')}`, t('What the model sees: crops, colours and masks, on this file\'s images'), 'siamscope.previewAugmentations', document.uri));
    const found = this.diagnostics.resultOf(document.uri);
    if (found) {
      const images = found.classes > 1 ? t('{0} images in {1} classes', countText(found.images), found.classes) : t('{0} images', countText(found.images));
      lenses.push(lens(`$(file-media) ${images}, ${t('{0} steps of {1}', countText(found.steps), found.imagesPerStep)}`, t('As the file was last saved'), ''));
    }
    return lenses;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
