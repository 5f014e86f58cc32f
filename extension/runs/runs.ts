/** The runs of the workspace: found, followed, started, resumed, stopped and removed. What is shown of them is others' business. */
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { RunError } from '../../backend/errors.ts';
import { parseJsonText } from '../../backend/link/holder.ts';
import { isFields, statusFile } from '../../backend/link/status.ts';
import type { RunEvent } from '../../backend/protocol.ts';
import { requireTrust, runCommand } from '../backend.ts';
import { engineArguments } from '../config/engineArguments.ts';
import { readSetting } from '../readSettings.ts';
import { runsOfEntry, runsOfStatusFiles } from './findRuns.ts';
import { RunSet } from './runSet.ts';
import type { Run } from './tracker.ts';

export type { Run } from './tracker.ts';

export interface Runs extends vscode.Disposable {
  /** A run has changed; undefined: the list has. */
  readonly onDidChange: vscode.Event<Run | undefined>;
  /** From the socket, as it happens; a run that this window is not connected to tells nothing here. */
  readonly onEvent: vscode.Event<{ run: Run; event: RunEvent }>;
  /** Newest first: every run folder of the workspace, and of the setting siamscope.runFolders. */
  readonly all: readonly Run[];
  get(folder: string): Run | undefined;
  /** Looks for runs anew; resolves when all have been looked at. */
  refresh(): Promise<void>;
  /** Starts the run file in a process that outlives this window; resolves when its folder has a status. `now`: waits for no other run. */
  start(runFile: string, options?: { now?: boolean; folder?: string }): Promise<Run>;
  resume(folder: string, options?: { now?: boolean }): Promise<Run>;
  /** Resolves when the run has ended. */
  stop(folder: string): Promise<void>;
  /** Saves a checkpoint now; resolves with its step. */
  save(folder: string): Promise<number>;
  /** Into the trash where there is one. Refuses a run that a process works on. */
  remove(folder: string): Promise<void>;
}

const statusGlob = `**/${statusFile}`;
/** Folders that hold many files and no runs. */
const excludedGlob = '**/{node_modules,.git,.venv,venv,__pycache__}/**';
const mostFound = 10_000;
const settleMilliseconds = 200;

export function createRuns(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Runs {
  const changes = new vscode.EventEmitter<Run | undefined>();
  const events = new vscode.EventEmitter<{ run: Run; event: RunEvent }>();
  const set = new RunSet({
    maySweep: () => vscode.workspace.isTrusted,
    onChange: (run) => changes.fire(run),
    onEvent: (run, event) => events.fire({ run, event }),
    say: (text) => log.info(text),
  });
  /** Started or resumed by this window, wherever they lie. */
  const own = new Set<string>();

  async function discover(): Promise<void> {
    const found = await vscode.workspace.findFiles(statusGlob, excludedGlob, mostFound);
    const listed = await runsOfStatusFiles(found.filter(({ scheme }) => scheme === 'file').map(({ fsPath }) => fsPath));
    const places: (vscode.WorkspaceFolder | undefined)[] = vscode.workspace.workspaceFolders ? [...vscode.workspace.workspaceFolders] : [undefined];
    const named = places.flatMap((place) => readSetting('runFolders', place?.uri).map((entry) => runsOfEntry(entry, place?.uri.scheme === 'file' ? place.uri.fsPath : null)));
    await set.keep([...new Set([...listed, ...(await Promise.all(named)).flat(), ...own])]);
  }

  let discovering: Promise<void> | null = null;
  const refresh = (): Promise<void> => (discovering ??= discover().finally(() => (discovering = null)));
  const refreshQuietly = (): void => void refresh().catch((error: Error) => log.error(`runs could not be looked for: ${error.message}`));

  let timer: NodeJS.Timeout | undefined;
  const refreshSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(refreshQuietly, settleMilliseconds);
  };
  const lookAt = (uri: vscode.Uri): void => {
    const folder = dirname(uri.fsPath);
    if (set.tracker(folder)) void set.look(folder);
    else refreshSoon();
  };
  const watcher = vscode.workspace.createFileSystemWatcher(statusGlob);
  const disposables = [
    changes, events, watcher,
    watcher.onDidCreate(lookAt), watcher.onDidChange(lookAt), watcher.onDidDelete(lookAt),
    vscode.workspace.onDidChangeWorkspaceFolders(refreshSoon),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('siamscope.runFolders')) refreshSoon();
    }),
    // Locks of processes that are gone may be removed from now on.
    vscode.workspace.onDidGrantWorkspaceTrust(refreshSoon),
  ];
  refreshQuietly();

  async function launch(args: readonly string[]): Promise<Run> {
    const { code, stdout, stderr } = await runCommand(context.extensionUri, ['train', ...args, '--detach', '--json']);
    const reply = parseJsonText(stdout);
    if (code !== 0 || !isFields(reply) || typeof reply.run !== 'string') throw new RunError(stderr.trim().replace(/^error:\s*/, '') || `siamscope train ended with exit code ${code}`);
    own.add(reply.run);
    const run = await set.look(reply.run);
    if (!run) throw new RunError(`the run in ${reply.run} has no status`);
    return run;
  }

  const tracked = (folder: string): NonNullable<ReturnType<RunSet['tracker']>> => {
    const tracker = set.tracker(folder);
    if (!tracker) throw new RunError(`${folder} is not a run of this workspace`);
    return tracker;
  };

  return {
    onDidChange: changes.event,
    onEvent: events.event,
    get all() {
      return set.all;
    },
    get: (folder) => set.get(folder),
    refresh,
    async start(runFile, { now = false, folder } = {}) {
      requireTrust();
      return launch([runFile, ...(folder === undefined ? [] : ['--run', folder]), ...(now ? ['--now'] : []), ...(await engineArguments(runFile))]);
    },
    async resume(folder, { now = false } = {}) {
      requireTrust();
      return launch([folder, '--resume', ...(now ? ['--now'] : []), ...(await engineArguments(join(folder, 'config.json')))]);
    },
    stop: (folder) => tracked(folder).stop(vscode.workspace.isTrusted),
    save: (folder) => tracked(folder).save(),
    async remove(folder) {
      const tracker = tracked(folder);
      await tracker.refresh();
      if (tracker.isLiving || (await tracker.isHeld())) throw new RunError(`a process works on the run in ${folder}: stop it first`);
      const uri = vscode.Uri.file(folder);
      await vscode.workspace.fs.delete(uri, { recursive: true, useTrash: true }).then(undefined, () => rm(folder, { recursive: true }));
      own.delete(folder);
      set.drop(folder);
    },
    dispose() {
      clearTimeout(timer);
      set.dispose();
      for (const disposable of disposables) disposable.dispose();
    },
  };
}
