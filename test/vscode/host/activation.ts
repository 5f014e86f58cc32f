/** The extension activates quickly, and offers what its manifest says. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { Api } from '../../../extension/extension.ts';
import { limitHere, wallTime } from '../../helpers/slowness.ts';

export const extension = (): vscode.Extension<Api> => vscode.extensions.getExtension('siamscope.siamscope')!;

export interface Manifest {
  contributes: { commands: { command: string; title: string }[]; views?: Record<string, { id: string; name: string }[]> };
}

/** How long this thread was ready to run while others ran, in all: a busy machine is no fault of the extension's. Linux only; elsewhere 0. */
function queuedMilliseconds(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** Waits until the window that opens leaves this thread alone: until a timer has come in time for a second. */
async function quiet(): Promise<void> {
  const end = performance.now() + 20_000;
  for (let inTime = 0; inTime < 50 && performance.now() < end; ) {
    const begun = performance.now();
    await new Promise((done) => setTimeout(done, 20));
    inTime = performance.now() - begun < 30 ? inTime + 1 : 0;
  }
}

export function activation(): void {
  describe('activation', () => {
    it('takes less than 100 ms, loading included', async () => {
      await quiet();
      assert.equal(extension().isActive, false, 'nothing in this workspace asks for the extension, so it is not active yet');
      const begun = performance.now(), queuedBefore = queuedMilliseconds();
      const api = await extension().activate();
      const milliseconds = performance.now() - begun, queued = queuedMilliseconds() - queuedBefore;
      console.log(`activation: ${milliseconds.toFixed(1)} ms, of which activate() ${api.activationMilliseconds.toFixed(1)} ms, and ${queued.toFixed(1)} ms waiting for a processor (VS Code ${vscode.version}, Node ${process.versions.node})`);
      const limit = await limitHere(100, milliseconds - queued, wallTime);
      assert.ok(milliseconds - queued < limit, `${milliseconds} ms, of which ${queued} ms waiting for a processor; the limit on this machine, now, is ${limit.toFixed(0)} ms`);
    });

    it('registers each command of the manifest', async () => {
      const manifest = extension().packageJSON as Manifest;
      const known = await vscode.commands.getCommands(true);
      const missing = manifest.contributes.commands.map(({ command }) => command).filter((command) => !known.includes(command));
      assert.deepEqual(missing, []);
    });
  });
}
