/** Panels over time and against hostile pages: opened and closed again and again nothing is left behind, and whatever a page sends, the host lives. */
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { Random } from '../../backend/random.ts';
import { until } from './editor/until.ts';
import { closeBrowserAfterTests, withEditor, type Workbench } from './editor/workbench.ts';
import { isAlive, temporaryWorkspace } from './editor/workspace.ts';

const workspace = temporaryWorkspace();
closeBrowserAfterTests();

/** A sample; the whole count before a release: SIAMSCOPE_PANEL_CYCLES=200. */
const cycles = Number(process.env.SIAMSCOPE_PANEL_CYCLES ?? 12);
/** The same: SIAMSCOPE_MESSAGES=100000. */
const messages = Number(process.env.SIAMSCOPE_MESSAGES ?? 2000);

async function openCurves(workbench: Workbench): Promise<void> {
  await workbench.run('small', 'done').getByRole('button', { name: /Curves/ }).click();
  await until('the curves show every point', async () => (await workbench.points()).shown === workspace.run('small').rows().length);
}

/** Keeps the page's own way to its host where a test finds it. */
const keepApi = `
  let real;
  Object.defineProperty(globalThis, 'acquireVsCodeApi', { configurable: true, get: () => real && (() => (globalThis.keptApi ??= real())), set: (given) => { real = given; } });
`;

/** Seeded: well-formed envelopes around anything, and anything. */
function hostileMessages(count: number): unknown[] {
  const random = new Random(20240721);
  const pick = <T>(values: readonly T[]): T => values[random.integer(0, values.length - 1)]!;
  const deep = JSON.parse(`${'['.repeat(2000)}${']'.repeat(2000)}`) as unknown;
  const value = (depth = 0): unknown => {
    if (depth < 3 && random.integer(0, 2) === 0) return random.integer(0, 1) === 0 ? Array.from({ length: random.integer(0, 4) }, () => value(depth + 1)) : Object.fromEntries(Array.from({ length: random.integer(0, 5) }, () => [pick(['axis', 'runs', 'metrics', 'range', 'columns', 'smoothing', 'metric', 'format', 'bytes', 'min', 'max', 'constructor', 'toString', '']), value(depth + 1)]));
    return pick<unknown>([0, -1, 1, 0.5, 1e308, 2 ** 31, 2 ** 53, null, true, '', 'step', 'png', '../../../etc/passwd', 'file:///etc/passwd', '<img src=x onerror=alert(1)>', 'x'.repeat(10_000), '__proto__', 'constructor', deep, [], {}]);
  };
  const stretch = (): unknown => ({ axis: pick(['step', 'epoch', 'time', 'images', 'x', value()]), runs: pick<unknown>([[0], [-1], [1e9], value()]), metrics: pick<unknown>([[0], [0, 1], value()]), range: pick<unknown>([null, { min: 0, max: 1 }, { min: 1, max: 0 }, value()]), columns: pick<unknown>([100, 1e9, -5, value()]), smoothing: pick<unknown>([0, 0.9, 1, -1, value()]) });
  const make = [
    () => value(),
    () => ({ kind: pick(['ready', 'request', 'reply', 'notice', 'x']), id: value(), call: value(), request: value() }),
    () => ({ kind: 'request', id: random.integer(0, 1e6), call: pick(['slice', 'toString', '__proto__', 'constructor', '', 'hasOwnProperty', 'stop', 'remove']), request: value() }),
    () => ({ kind: 'request', id: random.integer(0, 1e6), call: 'slice', request: stretch() }),
    () => ({ kind: 'request', id: random.integer(0, 1e6), call: 'savePicture', request: { metric: pick([-1, 1e9, '../x']), format: pick(['exe', '../png']), bytes: value() } }),
  ];
  return Array.from({ length: count }, () => pick(make)());
}

describe.skipIf(inject('noWorkbench'))('panels', () => {
  beforeAll(async () => {
    const run = await workspace.start('small', 12);
    await until('its end', () => run.status()?.state === 'done', 120_000);
  });

  it('leave nothing behind when they are closed, and are complete each time', { timeout: 60_000 + cycles * 20_000 }, async () => {
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      await workbench.container('SiamScope');
      await workbench.run('small', 'done').click();
      const host = workbench.server.extensionHosts().at(-1)!;
      const files = () => readdirSync(`/proc/${host}/fd`).length;
      const megabytes = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${host}/status`, 'utf8'))![1]) / 1024;
      let filesBefore = 0, memoryBefore = 0;
      // The first ones load what is loaded once.
      for (let cycle = -3; cycle < cycles; cycle++) {
        if (cycle === 0) {
          filesBefore = files();
          memoryBefore = megabytes();
        }
        await openCurves(workbench);
        await workbench.page.getByRole('tab', { name: /^Curves/ }).getByRole('button', { name: /Close/ }).click();
        await workbench.page.getByRole('tab', { name: /^Curves/ }).waitFor({ state: 'detached' });
      }
      console.log(`${cycles} panels: ${filesBefore} open files before, ${files()} after; ${memoryBefore.toFixed(0)} MB before, ${megabytes().toFixed(0)} MB after`);
      await until('as many open files as before, give or take five', () => Math.abs(files() - filesBefore) <= 5);
      expect(workbench.server.extensionHosts().at(-1), 'the extension host is the same').toBe(host);
    });
  });

  it('take whatever a page sends', { timeout: 120_000 + messages * 10 }, async () => {
    await withEditor({ workspace: workspace.folder }, async (workbench) => {
      await workbench.page.addInitScript(keepApi);
      await workbench.reload();
      await workbench.container('SiamScope');
      await workbench.run('small', 'done').click();
      await openCurves(workbench);
      const frame = await workbench.webviewFrame();
      const host = workbench.server.extensionHosts().at(-1)!;
      const dialogs: string[] = [];
      workbench.page.on('dialog', (dialog) => {
        dialogs.push(dialog.message());
        void dialog.dismiss();
      });
      const sent = hostileMessages(messages);
      // As text: the page itself makes deep values of it.
      for (let at = 0; at < sent.length; at += 200) await frame.evaluate((batch) => (JSON.parse(batch) as unknown[]).forEach((message) => (globalThis as unknown as { keptApi: { postMessage: (message: unknown) => void } }).keptApi.postMessage(message)), JSON.stringify(sent.slice(at, at + 200)));
      // What is answered in order comes after all of these: a good request still is.
      const answer = await frame.evaluate(() => new Promise<string>((done) => {
        const { keptApi, addEventListener } = globalThis as unknown as { keptApi: { postMessage: (message: unknown) => void }; addEventListener: (type: 'message', listener: (event: { data: { id?: number; kind: string } }) => void) => void };
        addEventListener('message', ({ data }) => {
          if (data.id === 123_456_789) done(data.kind);
        });
        keptApi.postMessage({ kind: 'request', id: 123_456_789, call: 'slice', request: { axis: 'step', runs: [], metrics: [], range: null, columns: 100, smoothing: 0 } });
      }));
      expect(['reply', 'failure']).toContain(answer);
      expect(isAlive(host)).toBe(true);
      expect(workbench.server.extensionHosts().at(-1)).toBe(host);
      expect(dialogs).toEqual([]);
      expect(workbench.server.logs().split('\n').filter((line) => /\[error\].*siamscope|unhandled|uncaught/i.test(line))).toEqual([]);
      expect((await workbench.points()).shown).toBe(workspace.run('small').rows().length);
      console.log(`${sent.length} hostile messages: the host lives, and answers`);
    });
  });
});
