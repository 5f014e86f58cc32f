/** An engine is fetched from inside the editor, as on a machine that has none: it can be cancelled, goes on where it was, and is then what computes. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { until } from './editor/until.ts';
import { closeBrowserAfterTests, withEditor, type Workbench } from './editor/workbench.ts';
import { temporaryWorkspace } from './editor/workspace.ts';

const workspace = temporaryWorkspace();
const cache = mkdtempSync(join(tmpdir(), 'siamscope-cache-'));
closeBrowserAfterTests();
afterAll(() => rmSync(cache, { recursive: true, force: true }));

/** The notification of an installation that goes on. */
const progressOf = ({ page }: Workbench): Locator => page.locator('.notifications-toasts .notification-list-item', { hasText: /Installing libtorch/ }).filter({ has: page.getByRole('button', { name: 'Cancel' }) }).first();

async function install(workbench: Workbench): Promise<void> {
  await workbench.command('SiamScope: Install Engine');
  await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'libtorch for the CPU' }).click();
  await progressOf(workbench).waitFor({ timeout: 30_000 });
}

describe.skipIf(inject('noWorkbench') ?? process.platform !== 'linux')('the engine', () => {
  it('is installed with progress, cancelled and installed again, and the tree has it', { timeout: 600_000 }, async () => {
    await withEditor({ workspace: workspace.folder, env: { XDG_CACHE_HOME: cache } }, async (workbench) => {
      await workbench.container('SiamScope');
      const torch = workbench.tree('Engines').getByRole('treeitem', { name: /libtorch/ }).first();
      await torch.waitFor({ timeout: 60_000 });
      expect(await torch.textContent()).toMatch(/not installed/);

      await install(workbench);
      const running = progressOf(workbench);
      await until('it tells how far it is', async () => /\d %/.test((await running.textContent()) ?? ''), 120_000);
      await running.hover();
      await running.getByRole('button', { name: 'Cancel' }).click();
      await workbench.notification(/Installing libtorch was cancelled/).first().waitFor({ timeout: 30_000 });

      await install(workbench);
      await workbench.notification(/libtorch is installed, and new runs take it/).first().waitFor({ timeout: 480_000 });
      await until('the tree has it', async () => /\d+\.\d+\.\d+/.test((await torch.textContent()) ?? ''), 60_000);
      expect(readdirSync(cache).length).toBeGreaterThan(0);
    });
  });
});
