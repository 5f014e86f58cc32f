/**
 * What the JSON Schema cannot say about a run file or a study file: images that are not there, sizes that do not divide, keys that exclude each
 * other. The backend is asked, on opening and saving, in trusted workspaces alone; it reads the file as it is on disk.
 */
import * as vscode from 'vscode';
import type { RunCheck, RunFileProblem } from '../../backend/protocol.ts';
import { commandJson, CommandError, type Command } from '../command.ts';
import { isRunFile, isStudyFile, spanOf } from './runFileText.ts';

const debounceMilliseconds = 300;
/** Wrong input, of which the command says in JSON what is wrong. */
const refusedCode = 2;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isPath = (value: unknown): value is (string | number)[] => Array.isArray(value) && value.every((key) => typeof key === 'string' || typeof key === 'number');

/** What either kind of file is found to be: of a run also what it would train. */
type FileCheck = Pick<RunCheck, 'problems'> & Partial<Pick<RunCheck, 'run'>>;

/** Null where the answer is not one of this version. */
export function parseCheck(value: unknown): FileCheck | null {
  if (!isRecord(value) || !Array.isArray(value.problems) || !(value.run === undefined || value.run === null || isRecord(value.run))) return null;
  const problems = value.problems.filter((problem): problem is RunFileProblem => isRecord(problem) && isPath(problem.path) && typeof problem.message === 'string');
  return { ...(value as unknown as FileCheck), problems };
}

export class RunFileDiagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('siamscope');
  private readonly checked = new vscode.EventEmitter<vscode.Uri>();
  /** A file's check has a new result. */
  readonly onDidCheck = this.checked.event;
  private readonly command: Command;
  private readonly log: vscode.LogOutputChannel;
  /** By the file's URI: the check that waits or is at work. */
  private readonly working = new Map<string, { timer: NodeJS.Timeout; controller: AbortController }>();
  private readonly results = new Map<string, FileCheck>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(command: Command, log: vscode.LogOutputChannel) {
    this.command = command;
    this.log = log;
    this.subscriptions = [
      this.collection, this.checked,
      vscode.workspace.onDidOpenTextDocument((document) => this.schedule(document)),
      vscode.workspace.onDidSaveTextDocument((document) => this.schedule(document)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.forget(uri)),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.checkOpen()),
    ];
    this.checkOpen();
  }

  /** What the file as it was last saved would train; undefined where that is not known, or something is wrong with it. */
  resultOf(uri: vscode.Uri): RunCheck['run'] | undefined {
    return this.results.get(uri.toString())?.run;
  }

  private checkOpen(): void {
    for (const document of vscode.workspace.textDocuments) this.schedule(document);
  }

  private schedule(document: vscode.TextDocument): void {
    const { uri } = document;
    if (!vscode.workspace.isTrusted || uri.scheme !== 'file' || !(isRunFile(uri.path) || isStudyFile(uri.path))) return;
    this.cancel(uri);
    const controller = new AbortController();
    const timer = setTimeout(() => void this.check(document, controller.signal), debounceMilliseconds);
    this.working.set(uri.toString(), { timer, controller });
  }

  private async check(document: vscode.TextDocument, signal: AbortSignal): Promise<void> {
    const { uri } = document;
    try {
      const answer = parseCheck(await commandJson(this.command, [isStudyFile(uri.path) ? 'study' : 'train', uri.fsPath, '--check', '--json'], { signal, accepts: [refusedCode] }));
      if (signal.aborted || !answer) return;
      this.results.set(uri.toString(), answer);
      this.collection.set(uri, answer.problems.filter(({ inSchema }) => !inSchema).map((problem) => diagnosticOf(document, problem)));
    } catch (error) {
      if (signal.aborted) return;
      // What is no JSON is shown by the editor itself.
      if (error instanceof CommandError) this.collection.delete(uri);
      else this.log.error(`checking ${uri.fsPath} failed: ${(error as Error).message}`);
      this.results.delete(uri.toString());
    }
    this.checked.fire(uri);
  }

  private cancel(uri: vscode.Uri): void {
    const work = this.working.get(uri.toString());
    if (!work) return;
    clearTimeout(work.timer);
    work.controller.abort();
    this.working.delete(uri.toString());
  }

  private forget(uri: vscode.Uri): void {
    this.cancel(uri);
    this.collection.delete(uri);
    this.results.delete(uri.toString());
  }

  dispose(): void {
    for (const { timer, controller } of this.working.values()) {
      clearTimeout(timer);
      controller.abort();
    }
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function diagnosticOf(document: vscode.TextDocument, { path, message }: RunFileProblem): vscode.Diagnostic {
  const { offset, length } = spanOf(document.getText(), path);
  const diagnostic = new vscode.Diagnostic(new vscode.Range(document.positionAt(offset), document.positionAt(offset + length)), message[0]!.toUpperCase() + message.slice(1), vscode.DiagnosticSeverity.Error);
  diagnostic.source = 'SiamScope';
  return diagnostic;
}
