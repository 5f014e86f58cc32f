/** Starts a study in a process that outlives this window, and stops it. What it does is in its folder's files, whoever started it. */
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import * as vscode from 'vscode';
import { RunError } from '../../backend/errors.ts';
import { isAlive, parseJsonText, type Holder } from '../../backend/link/holder.ts';
import { isFields } from '../../backend/link/status.ts';
import { requireTrust } from '../backend.ts';
import { CommandError, lastWords, type Command } from '../command.ts';

const stopMilliseconds = 120_000, pollMilliseconds = 200;

/** Resolves when its process works. Rejects with what the command said where the study is refused. */
export async function runStudy({ command, log }: { command: Command; log: vscode.LogOutputChannel }, path: string): Promise<void> {
  requireTrust();
  const document = vscode.workspace.textDocuments.find(({ uri }) => uri.fsPath === path);
  if (document?.isDirty && !(await document.save())) throw new Error(vscode.l10n.t('{0} could not be saved, and what is on disk would be run.', path));
  log.info(`starting the study ${path}`);
  const lines: string[] = [];
  const { code, stdout } = await command(['study', path, '--detach', '--json'], { onLine: (line) => lines.push(line) });
  const reply = parseJsonText(stdout);
  if (code !== 0) throw new CommandError(lines.join('\n').replace(/^error:\s*/i, '').trim() || lastWords(lines, code));
  if (isFields(reply) && typeof reply.study === 'string') log.info(`the study runs as process ${String(reply.pid)}, in ${reply.study}`);
}

/** The signal that a terminal would send, to a process that is surely the study's own; resolves when that has ended. */
export async function stopStudy(holder: Holder): Promise<void> {
  requireTrust();
  if (!isAlive(holder)) return;
  if (holder.host !== hostname() || holder.start === null) throw new RunError(`process ${holder.pid}${holder.host === hostname() ? '' : ` on ${holder.host}`} runs the study, and cannot be asked from here: stop it there`);
  process.kill(holder.pid, 'SIGTERM');
  for (const deadline = performance.now() + stopMilliseconds; isAlive(holder); await setTimeout(pollMilliseconds))
    if (performance.now() > deadline) throw new RunError(`the study's process ${holder.pid} was asked to stop and has not ended within ${stopMilliseconds / 1000} s`);
}
