/** The command that shows which patch a checkpoint takes for which: on a checkpoint, a run, a file, an image, or what is chosen. */
import * as vscode from 'vscode';
import type { Subject } from '../panels/correspondenceHost.ts';
import { checkpointOf } from './checkpoints.ts';
import type { Parts } from './parts.ts';
import { namedRuns } from './selection.ts';

/** Opens in an untrusted workspace, too, where it says that nothing is launched. */
export async function openCorrespondence(parts: Parts, args: readonly unknown[]): Promise<void> {
  const { context, log, runs } = parts;
  const { correspond } = await import('../panels/correspondence.ts');
  await correspond({ context, log, runs }, args[0] instanceof vscode.Uri ? args[0] : subjectOf(parts, args));
}

function subjectOf(parts: Parts, args: readonly unknown[]): Subject | undefined {
  const node = checkpointOf(args);
  if (node) return { kind: 'run', path: node.folder, step: node.newest ? null : node.checkpoint.step };
  const [run] = args[0] === undefined ? [] : namedRuns(parts, args);
  return run && { kind: 'run', path: run.folder, step: null };
}
