/** The life of a run in windows that come and go: it is followed, left, found again, shared by two windows, killed and resumed. */
import { readdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { describe, expect, inject, it } from 'vitest';
import { isLiving } from '../../backend/link/status.ts';
import { until } from './editor/until.ts';
import { closeBrowserAfterTests, withEditor, Workbench } from './editor/workbench.ts';
import { isAlive, temporaryWorkspace, type RunFiles } from './editor/workspace.ts';

const workspace = temporaryWorkspace();
closeBrowserAfterTests();

/** The step that a run's row shows; 0 where there is none yet. */
const stepInTree = async (workbench: Workbench, name: string): Promise<number> => Number(/: (\d+)\//.exec((await workbench.run(name, 'running|stopping|stopped|lost').getAttribute('aria-label', { timeout: 1000 }).catch(() => null)) ?? '')?.[1] ?? 0);

/** Waits until the tree shows more steps than now; returns the step that it shows then. */
async function moves(workbench: Workbench, name: string): Promise<number> {
  const before = await stepInTree(workbench, name);
  let now = before;
  await until(`the tree shows more steps than ${before} of ${name}`, async () => (now = await stepInTree(workbench, name)) > before);
  return now;
}

/** Milliseconds from the newest activation of the extension to its connection with the run, by its own log. */
async function reattachment({ server }: Workbench): Promise<number> {
  let milliseconds = NaN;
  await until('the log says when the window was attached', () => {
    const said = [...server.logs().matchAll(/^(\d{4}-\d\d-\d\d [\d:.]+) \[info\] (activated in|attached to)/gm)].map(([, time, what]) => ({ time: Date.parse(time!), what: what! }));
    const activated = said.findLast(({ what }) => what === 'activated in')?.time ?? NaN;
    milliseconds = (said.find(({ time, what }) => what === 'attached to' && time >= activated)?.time ?? NaN) - activated;
    return !Number.isNaN(milliseconds);
  });
  return milliseconds;
}

/** Processes whose command line names a run's folder or file. */
const processesOf = (name: string): string[] => execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n').filter((line) => line.includes('siamscope.mjs') && line.includes(workspace.folder) && line.includes(name));

/** Every step once, in order, and none was waited for longer than training takes. */
function expectWholeJournal(run: RunFiles): void {
  const steps = run.rows().map(({ step }) => step);
  expect(steps).toEqual(steps.map((_, i) => i + 1));
}

async function start(workbench: Workbench, name: string): Promise<void> {
  await workbench.openFile(`${name}.siam.json`);
  await workbench.container('SiamScope');
  await workbench.page.locator('.codelens-decoration').getByText('Start', { exact: true }).click();
  await workbench.run(name, 'running').waitFor({ timeout: 60_000 });
}

describe.skipIf(inject('noWorkbench'))('a run', () => {
  it('goes on through a reload of the window and a kill of the extension host, and is found where it is', async () => {
    // Longer than the test: it is stopped.
    workspace.writeRunFile('long', 100_000);
    const run = workspace.run('long');
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      const { page, server } = workbench;
      await start(workbench, 'long');
      await moves(workbench, 'long');
      await page.locator('.part.statusbar').getByRole('button', { name: /long.*\d+\/100000/ }).waitFor();
      await until('the curve has points', async () => (await workbench.points()).shown > 0);
      const { all } = await workbench.points();
      await until('the curve moves', async () => (await workbench.points()).all > all);
      const { pid } = run.status()!;
      await workbench.stored();

      const stepBefore = run.step(), begun = performance.now();
      await workbench.reload();
      const drawn = performance.now() - begun;
      await until('the tree shows where the run is', async () => (await stepInTree(workbench, 'long')) > stepBefore);
      const attached = await reattachment(workbench);
      console.log(`reload: the workbench is drawn after ${(drawn / 1000).toFixed(1)} s, the extension is attached ${attached} ms after its activation, and the tree shows a later step ${((performance.now() - begun) / 1000).toFixed(1)} s after the reload`);
      expect(attached).toBeLessThan(3000);
      expect(run.status()).toMatchObject({ state: 'running', pid });
      await until('the curves come back', async () => (await workbench.points()).all > all);

      const host = server.extensionHosts().at(-1)!, hosts = server.extensionHosts().length;
      process.kill(host, 'SIGKILL');
      const killed = performance.now();
      await until('another extension host', () => server.extensionHosts().length > hosts);
      await moves(workbench, 'long');
      console.log(`killed extension host: the tree moves again after ${((performance.now() - killed) / 1000).toFixed(1)} s`);
      expect(run.status()).toMatchObject({ state: 'running', pid });

      await workbench.command('SiamScope: Stop Run');
      await workbench.run('long', 'stopped').waitFor();
      await until('the process has ended', () => !isAlive(pid));
      expectWholeJournal(run);
      const rows = run.rows();
      const longest = Math.max(...rows.slice(1).map((row, i) => row.elapsed_seconds - rows[i]!.elapsed_seconds));
      console.log(`${rows.length} steps, the longest took ${longest.toFixed(2)} s`);
    });
    // The window is gone; what it left is all there.
    expect(run.status()).toMatchObject({ state: 'stopped', checkpoint: run.rows().length });
  });

  it('goes on while no window is open', async () => {
    workspace.writeRunFile('alone', 100_000);
    const run = workspace.run('alone');
    let pid = 0, step = 0;
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      await start(workbench, 'alone');
      ({ pid } = run.status()!);
      step = await moves(workbench, 'alone');
    });
    await until('more steps without a window', () => run.step() > step + 2);
    expect(isAlive(pid)).toBe(true);
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      await workbench.container('SiamScope');
      await workbench.run('alone', 'running').waitFor();
      expect(await moves(workbench, 'alone')).toBeGreaterThan(step);
      await workbench.command('SiamScope: Stop Run');
      await workbench.run('alone', 'stopped').waitFor();
    });
    expect(isAlive(pid)).toBe(false);
    expectWholeJournal(run);
  });

  it('is the same in two windows, whichever of them stops and resumes it', async () => {
    const run = await workspace.start('shared', 100_000);
    let from = 0;
    await withEditor({ workspace: workspace.folder }, async (one) => {
      const two = await Workbench.open(one.server);
      const both = (states: string) => Promise.all([one, two].map((window) => window.run('shared', states).waitFor({ timeout: 60_000 })));
      const bothMoveBeyond = (step: number) => until(`both windows show a step beyond ${step}`, async () => (await Promise.all([one, two].map((window) => stepInTree(window, 'shared')))).every((shown) => shown > step));
      // Rows are drawn once a second, each window in its own time: what is the same at any moment is where a run has come to rest.
      const bothShow = (step: number) => until(`both windows show step ${step}`, async () => (await Promise.all([one, two].map((window) => stepInTree(window, 'shared')))).every((shown) => shown === step));
      try {
        for (const window of [one, two]) await window.container('SiamScope');
        await both('running');
        await bothMoveBeyond(0);
        await two.command('SiamScope: Stop Run');
        await both('stopped');
        from = run.status()!.step;
        await bothShow(from);
        await one.run('shared', 'stopped').click();
        await one.run('shared', 'stopped').getByRole('button', { name: /Resume/ }).click();
        await both('running');
        await bothMoveBeyond(from);
        expect(processesOf('shared').length, processesOf('shared').join('\n')).toBe(1);
        await one.command('SiamScope: Stop Run');
        await both('stopped');
        await bothShow(run.status()!.step);
      } catch (error) {
        await two.keepPicture();
        throw error;
      } finally {
        await two.close();
      }
    });
    expect(run.status()!.resumedFrom).toBe(from);
    expectWholeJournal(run);
  });

  it('that is killed is told lost within 2 s, with its reason, and goes on by a button', async () => {
    const run = await workspace.start('killed', 100_000);
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      await workbench.container('SiamScope');
      await workbench.run('killed', 'running').waitFor();
      await moves(workbench, 'killed');
      const { pid } = run.status()!;
      process.kill(pid, 'SIGKILL');
      const killed = performance.now();
      await workbench.run('killed', 'lost').waitFor();
      const told = performance.now() - killed;
      console.log(`SIGKILL: the tree says lost after ${told.toFixed(0)} ms: ${await workbench.run('killed', 'lost').getAttribute('aria-label')}`);
      expect(told).toBeLessThan(2000);
      const notice = workbench.notification(/Run killed was lost at step \d+: killed/);
      await notice.waitFor();
      expect(performance.now() - killed, 'the notification').toBeLessThan(2500);
      expect(readdirSync(run.folder).filter((name) => name.startsWith('.lock'))).toEqual([]);
      expect(processesOf('killed')).toEqual([]);
      await workbench.picture('lost-dark');

      await notice.getByRole('button', { name: 'Resume' }).click();
      await workbench.run('killed', 'running').waitFor({ timeout: 60_000 });
      await moves(workbench, 'killed');
      expect(run.status()!.pid).not.toBe(pid);
      await workbench.command('SiamScope: Stop Run');
      await workbench.run('killed', 'stopped').waitFor();
    });
    expect(isLiving(run.status()!.state)).toBe(false);
    expectWholeJournal(run);
  });
});
