/** Runs as the extension knows them: one that was there before the window is attached to, another one waits for the same device. */
import { strict as assert } from 'node:assert';
import { before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { Runs } from '../../../extension/runs/runs.ts';
import { extension } from './activation.ts';
import { until } from './until.ts';
import { watch } from './watch.ts';

export function runs(): void {
  describe('runs', () => {
    let runs: Runs;
    let activated = 0;
    const named = (name: string) => runs.all.find(({ status }) => status.name === name);

    before(async () => {
      ({ runs } = await extension().activate());
      activated = performance.now();
    });

    it('attach within 3 s of activation to what goes on', async () => {
      const run = await until('the run is attached', () => named('first')?.attached && named('first'));
      const milliseconds = performance.now() - activated;
      console.log(`      attached ${milliseconds.toFixed(0)} ms after activation, at step ${run.status.step}`);
      assert.ok(milliseconds < 3000, `${milliseconds} ms`);
      assert.equal(run.state, 'running');
    });

    it('tell every step, once and in order', async () => {
      const steps: number[] = [];
      const subscription = runs.onEvent(({ run, event }) => {
        if (run.status.name === 'first' && event.kind === 'step') steps.push(event.row.step);
      });
      await until('six steps', () => steps.length >= 6);
      subscription.dispose();
      assert.deepEqual(steps, steps.map((_, i) => steps[0]! + i));
    });

    it('wait for their device, and go on when it is free', async function () {
      this.timeout(90_000);
      const file = vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, 'second.siam.json').fsPath;
      const watched = watch();
      const { folder } = await runs.start(file).finally(() => watched.end());
      assert.ok(watched.launched.some((line) => /siamscope\.mjs train .*--detach/.test(line)), `the watch of the untrusted suite sees what is launched: ${watched.launched.join('\n')}`);
      const queued = await until('the second run is queued', () => runs.get(folder)?.state === 'queued' && runs.get(folder));
      assert.equal(queued.status.queue?.ahead, 1);
      assert.equal(queued.status.queue?.holder.run, named('first')!.folder);
      console.log(`      queued: ${queued.status.waiting}`);
      await runs.stop(named('first')!.folder);
      assert.equal(named('first')!.state, 'stopped');
      await until('the second run is done', () => runs.get(folder)?.state === 'done' && !runs.get(folder)?.attached, 60_000);
    });

    it('are refused a second process', async () => {
      const { folder } = named('second')!;
      await assert.rejects(runs.start(vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, 'second.siam.json').fsPath), /has a run already/);
      assert.equal(runs.get(folder)?.state, 'done');
    });
  });
}
