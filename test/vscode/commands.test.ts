/** What is done to runs, checkpoints and engines from the palette and the trees, as a person does it: clicks and keys, and then a look at the files. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { openTensorFile } from '../../backend/formats/tensorFile.ts';
import { until } from './editor/until.ts';
import { closeBrowserAfterTests, withEditor } from './editor/workbench.ts';
import { temporaryWorkspace } from './editor/workspace.ts';

const workspace = temporaryWorkspace();
closeBrowserAfterTests();

describe.skipIf(inject('noWorkbench'))('commands', () => {
  beforeAll(async () => {
    for (const name of ['one', 'two']) {
      const run = await workspace.start(name, 12);
      await until(`the end of ${name}`, () => run.status()?.state === 'done', 120_000);
    }
  });

  it('compare runs, save a checkpoint, start a queued run at once, choose an engine, and export an encoder', async () => {
    const long = await workspace.start('long', 100_000);
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      const { page } = workbench;
      await workbench.container('SiamScope');
      await workbench.run('long', 'running').waitFor({ timeout: 60_000 });

      // Two rows at once.
      await workbench.run('one', 'done').click();
      await workbench.run('two', 'done').click({ modifiers: ['Control'] });
      await workbench.command('SiamScope: Compare Runs');
      await page.getByRole('tab', { name: /Curves of 2 runs/ }).waitFor();
      await until('both runs are drawn', async () => (await workbench.webview().locator('.runs tbody tr').count()) === 2);

      await workbench.command('SiamScope: Save Checkpoint Now');
      await until('a checkpoint of the run that goes on', () => (long.status()?.checkpoint ?? 0) > 0);
      expect(readdirSync(join(long.folder, 'checkpoints'))).toContain(String(long.status()!.checkpoint));

      // One device, and a run has it: the next one waits until it is told not to.
      workspace.writeRunFile('next', 100_000);
      await workbench.openFile('next.siam.json');
      await page.locator('.codelens-decoration').getByText('Start', { exact: true }).click();
      await workbench.run('next', 'queued').waitFor({ timeout: 60_000 });
      expect(long.status()!.state).toBe('running');
      await workbench.command('SiamScope: Start Queued Run Now');
      await workbench.run('next', 'running').waitFor({ timeout: 60_000 });
      expect(long.status()!.state).toBe('running');
      for (const name of ['next', 'long']) {
        await workbench.run(name, 'running').click();
        await workbench.run(name, 'running').getByRole('button', { name: /Stop/ }).click();
        await workbench.run(name, 'stopped').waitFor({ timeout: 60_000 });
      }

      // The trees are wide enough for a checkpoint's buttons once they are pointed at.
      const checkpoint = workbench.tree('Checkpoints').getByRole('treeitem', { name: /step 12/ }).first();
      if (!(await checkpoint.isVisible())) await workbench.tree('Checkpoints').getByRole('treeitem', { name: /\b(one|two)\b/ }).first().click();
      await checkpoint.hover();
      await checkpoint.getByRole('button', { name: /Export/ }).click();
      const input = page.locator('.quick-input-widget .quick-input-box input');
      await until('the dialog proposes a name', async () => /(one|two)-12\.safetensors$/.test(await input.inputValue()));
      const target = await input.inputValue();
      await page.locator('.quick-input-widget').getByRole('button', { name: 'OK' }).click();
      await workbench.notification(/(one|two)-12\.safetensors: \d+ tensors/).waitFor({ timeout: 60_000 });
      const file = await openTensorFile(target);
      expect(file.tensors.map(({ name }) => name)).toEqual(expect.arrayContaining(['cls_token', 'patch_embed.proj.weight', 'blocks.0.attn.qkv.weight']));
      await file.close();

      await workbench.command('SiamScope: Select Engine');
      await page.locator('.quick-input-list .monaco-list-row', { hasText: 'WebAssembly' }).click();
      await workbench.tree('Engines').getByRole('treeitem', { name: /WebAssembly.*selected/ }).waitFor();
      await workbench.command('SiamScope: Delete Run');
      await page.locator('.quick-input-list .monaco-list-row', { hasText: 'two' }).click();
      await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Delete' }).click();
      await until('the run is gone', () => !existsSync(workspace.run('two').folder));
      await workbench.run('two', 'done').waitFor({ state: 'detached' });
    });
  });
});
