/** What is shown: the webview's content security policy and accessibility, every theme, and what works in Restricted Mode. SIAMSCOPE_SCREENSHOTS=1 keeps pictures for the README. */
import { describe, expect, inject, it } from 'vitest';
import { until } from './editor/until.ts';
import { closeBrowserAfterTests, themes, withEditor, type Theme, type Workbench } from './editor/workbench.ts';
import { temporaryWorkspace, type RunFiles } from './editor/workspace.ts';

const workspace = temporaryWorkspace();
closeBrowserAfterTests();

/** What a webview must not be able to do; in a timer, for what a debugger evaluates may call eval. */
const attempts = `new Promise((done) => setTimeout(async () => {
  const inline = document.createElement('script');
  inline.textContent = 'globalThis.inlineRan = true';
  document.body.append(inline);
  const image = new Image();
  const loaded = new Promise((settle) => { image.onload = () => settle(true); image.onerror = () => settle(false); });
  image.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=';
  let evaluated = false;
  try { evaluated = new Function('return true')(); } catch { /* Refused. */ }
  done({ inlineRan: globalThis.inlineRan === true, fetched: await fetch('https://example.com/').then(() => true, () => false), image: await loaded, evaluated });
}))`;

async function finishedRun(name: string, steps: number): Promise<RunFiles> {
  const run = await workspace.start(name, steps);
  await until(`the end of ${name}`, () => run.status()?.state === 'done', 240_000);
  return run;
}

async function openCurves(workbench: Workbench, name: string): Promise<void> {
  await workbench.container('SiamScope');
  await workbench.run(name, 'done').click();
  await workbench.run(name, 'done').getByRole('button', { name: /Curves/ }).click();
  await until('points of the curves', async () => (await workbench.points()).all > 0);
}

describe.skipIf(inject('noWorkbench'))('views', () => {
  it('are accessible, keep to their content security policy, and follow dark, light and high-contrast themes', { timeout: 400_000 }, async () => {
    // A picture wants more of a curve than a test does.
    const run = await finishedRun('flowers', process.env.SIAMSCOPE_SCREENSHOTS ? 300 : 40);
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      const { page } = workbench;
      const errors: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error' && /Content Security Policy|siamscope/i.test(message.text())) errors.push(message.text());
      });
      await workbench.openFile('flowers.siam.json');
      await workbench.page.locator('.codelens-decoration').getByText(/Open Run/).waitFor();
      await openCurves(workbench, 'flowers');
      const { shown, all } = await workbench.points();
      expect(shown).toBe(all);
      expect(all % run.rows().length, `${all} points of ${run.rows().length} steps: every point is kept`).toBe(0);

      const frame = await workbench.webviewFrame();
      const policy = (await frame.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content')) ?? '';
      console.log(`the webview's policy: ${policy}`);
      const directives = Object.fromEntries(policy.split(';').map((part) => part.trim().split(/\s+/)).map(([name, ...values]) => [name, values]));
      expect(directives['default-src']).toEqual(["'none'"]);
      expect(directives['script-src']).toHaveLength(1);
      expect(directives['script-src']![0]).toMatch(/^'nonce-[\w-]{20,}'$/);
      expect(policy).not.toMatch(/unsafe-|\*(?!\.vscode-cdn)|data:/);
      expect(directives['connect-src']).toBeUndefined();
      // The policy as it works, not only as it reads.
      const tried = await frame.evaluate(attempts);
      expect(tried).toEqual({ inlineRan: false, fetched: false, image: false, evaluated: false });
      // Those attempts, and nothing else, broke the policy.
      expect(errors.filter((text) => !/inline|example\.com|data:image|unsafe-eval/.test(text))).toEqual([]);

      await workbench.tree('Engines').getByRole('treeitem', { name: /WebAssembly/ }).waitFor({ timeout: 90_000 });
      for (const theme of Object.keys(themes) as Theme[]) {
        await workbench.theme(theme);
        expect(await workbench.accessibilityViolations(), theme).toEqual([]);
        await workbench.picture(`curves-${theme}`);
      }
      await workbench.theme('dark');
      await page.getByRole('tab', { name: /flowers\.siam\.json/ }).click();
      for (const theme of Object.keys(themes) as Theme[]) {
        await workbench.theme(theme);
        await workbench.picture(`run-file-${theme}`);
      }
    });
  });

  it('work in Restricted Mode: runs and curves are shown, and nothing offers to launch one', async () => {
    workspace.writeRunFile('untouched', 40);
    await withEditor({ workspace: workspace.folder, restricted: true }, async (workbench) => {
      await workbench.page.getByRole('button', { name: /^Restricted Mode/ }).first().waitFor();
      await openCurves(workbench, 'flowers');
      await workbench.openFile('untouched.siam.json');
      const row = workbench.run('flowers', 'done');
      await row.click();
      expect(await row.getByRole('button', { name: /Start|Resume|Stop/ }).count()).toBe(0);
      expect(await workbench.page.locator('.codelens-decoration').getByText('Start', { exact: true }).count()).toBe(0);
      const offered = await workbench.commandsOffered('SiamScope');
      console.log(`offered in Restricted Mode: ${offered.join(', ')}`);
      expect(offered.filter((title) => /Start Run|Resume Run|Stop Run|New Run|Install|Select Engine|Evaluate|Export/.test(title))).toEqual([]);
      expect(workspace.runs.map(({ folder }) => folder)).toEqual([workspace.run('flowers').folder]);
    });
  });
});
