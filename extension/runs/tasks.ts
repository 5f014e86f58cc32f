/**
 * Tasks of type "siamscope": a run file that is trained from tasks.json, with its steps in a terminal. The run is as detached as any
 * other: closing the terminal leaves it to go on, Ctrl-C in it asks the run to stop.
 */
import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import type { RunEvent } from '../../backend/protocol.ts';
import { runFolderOf } from '../config/runFileText.ts';
import { isLiving, stateText, stepText } from '../views/runItem.ts';
import { durationText, numberText, rateText } from '../views/text.ts';
import type { Run, Runs } from './runs.ts';

interface TrainTask extends vscode.TaskDefinition {
  type: 'siamscope';
  /** The run file; absolute, or relative to the workspace folder. */
  file: string;
  /** Go on from the newest checkpoint, where the run is there already. */
  resume?: boolean;
}

const { t } = vscode.l10n;
const mostFiles = 200;
/** A line a second is enough to follow. */
const lineMilliseconds = 1000;

export function registerTasks(runs: Runs): vscode.Disposable {
  return vscode.tasks.registerTaskProvider('siamscope', {
    async provideTasks() {
      if (!vscode.workspace.isTrusted) return [];
      const files = await vscode.workspace.findFiles('**/*.siam.json', '**/{node_modules,.git}/**', mostFiles);
      return files.flatMap((file) => {
        const folder = vscode.workspace.getWorkspaceFolder(file);
        return folder ? [taskOf(runs, { type: 'siamscope', file: vscode.workspace.asRelativePath(file, false) }, folder)] : [];
      });
    },
    resolveTask(task) {
      const { file } = task.definition as Partial<TrainTask>;
      const folder = typeof task.scope === 'object' ? task.scope : vscode.workspace.workspaceFolders?.[0];
      return typeof file === 'string' && folder ? taskOf(runs, task.definition as TrainTask, folder) : undefined;
    },
  });
}

function taskOf(runs: Runs, definition: TrainTask, folder: vscode.WorkspaceFolder): vscode.Task {
  const file = isAbsolute(definition.file) ? definition.file : join(folder.uri.fsPath, definition.file);
  const task = new vscode.Task(definition, folder, t('train {0}', definition.file), 'siamscope', new vscode.CustomExecution(() => Promise.resolve(new TrainTerminal(runs, file, definition.resume ?? false))));
  task.group = vscode.TaskGroup.Build;
  task.isBackground = false;
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated };
  return task;
}

class TrainTerminal implements vscode.Pseudoterminal {
  private readonly writer = new vscode.EventEmitter<string>();
  private readonly closer = new vscode.EventEmitter<number>();
  readonly onDidWrite = this.writer.event;
  readonly onDidClose = this.closer.event;
  private readonly runs: Runs;
  private readonly file: string;
  private readonly resume: boolean;
  private readonly subscriptions: vscode.Disposable[] = [];
  private folder: string | null = null;
  private lastLine = 0;

  constructor(runs: Runs, file: string, resume: boolean) {
    this.runs = runs;
    this.file = file;
    this.resume = resume;
  }

  open(): void {
    void this.train();
  }

  private async train(): Promise<void> {
    try {
      const folder = this.resume ? runFolderOf(this.file, await readFile(this.file, 'utf8')) : null;
      const run = folder !== null && this.runs.get(folder) ? await this.runs.resume(folder) : await this.runs.start(this.file);
      this.folder = run.folder;
      this.say(t('{0}: {1}. Ctrl-C stops it; closing this terminal leaves it to go on.', run.status.name, run.folder));
      this.subscriptions.push(
        this.runs.onEvent(({ run: { folder }, event }) => folder === this.folder && this.tell(event)),
        this.runs.onDidChange(() => this.look()),
      );
      this.look();
    } catch (error) {
      this.say((error as Error).message);
      this.closer.fire(1);
    }
  }

  private tell(event: RunEvent): void {
    if (event.kind === 'step') {
      const { row, steps, eta } = event;
      const now = Date.now();
      if (now - this.lastLine < lineMilliseconds && row.step < steps) return;
      this.lastLine = now;
      this.say([stepText({ step: row.step, steps }), t('loss {0}', numberText(row.loss)), rateText(row.images_per_second, t), ...(eta === null ? [] : [t('{0} left', durationText(eta, t))])].join('  '));
    } else if (event.kind === 'saved') this.say(t('saved the checkpoint of step {0}', event.step));
    else if (event.kind === 'health') this.say(`${event.finding.summary} ${event.finding.advice}`);
    else if (event.kind === 'note' || event.kind === 'warning') this.say(event.text);
  }

  private look(): void {
    const run: Run | undefined = this.folder === null ? undefined : this.runs.get(this.folder);
    if (run && isLiving(run)) return;
    this.end(run);
  }

  private end(run: Run | undefined): void {
    if (this.folder === null) return;
    this.folder = null;
    if (run) this.say([stateText(run.state, t), stepText(run.status), ...(run.reason === null ? [] : [run.reason])].join(', '));
    this.closer.fire(run?.state === 'done' ? 0 : 1);
    this.close();
  }

  handleInput(data: string): void {
    if (data === '\u0003' && this.folder !== null) {
      this.say(t('stopping after this step'));
      void this.runs.stop(this.folder).catch((error: Error) => this.say(error.message));
    }
  }

  private say(line: string): void {
    // Names of files may hold anything; a terminal obeys control characters.
    this.writer.fire(`${line.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ').replaceAll('\n', '\r\n')}\r\n`);
  }

  close(): void {
    for (const subscription of this.subscriptions.splice(0)) subscription.dispose();
  }
}
