/** A study's table in a real browser, under its real content security policy, against the real host and real files. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { studyFile, writeProgress, writeResult, writeStatus, writeStudy, type WrittenStudy } from '../extension/studyFixture.ts';
import { noBrowser, openBrowser } from '../helpers/browser.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { openPage, type OpenedPage } from './openedPage.ts';
import { StudyServer, type StudyServerOptions } from './studyServer.ts';
import { themes, type ThemeName } from './themes.ts';

if (noBrowser) console.warn(`Skipped: the study's table in a browser (${noBrowser}).`);

interface Opened extends OpenedPage {
  server: StudyServer;
}

const root = temporaryFolder();
/** Where pictures are put, when someone wants to look at them. */
const pictures = process.env.SIAMSCOPE_SCREENSHOTS;
let written = 0;
const study = (values?: unknown): WrittenStudy => writeStudy(join(root, String(written++)), values);

describe.skipIf(noBrowser !== null)('a study\'s table', () => {
  let browser: Browser;
  const opened: Opened[] = [];

  async function open({ file }: WrittenStudy, { theme = 'dark', bypassCSP = false, width = 1180, height = 900, ...options }: StudyServerOptions & { theme?: ThemeName; bypassCSP?: boolean; width?: number; height?: number } = {}): Promise<Opened> {
    const server = await StudyServer.start(file, options);
    const entry = { server, ...(await openPage(browser, server.view.address(theme), 'study', { width, height, bypassCSP })) };
    opened.push(entry);
    return entry;
  }
  const picture = (page: Page, name: string): Promise<unknown> => (pictures ? page.screenshot({ path: join(pictures, `study ${name}.png`) }) : Promise.resolve());
  /** The row's own, not its runs'. */
  const row = (view: Frame, name: string) => view.locator('tr.row', { has: view.getByRole('button', { name, exact: true }) });

  beforeAll(async () => {
    if (pictures) mkdirSync(pictures, { recursive: true });
    browser = await openBrowser();
  });
  afterAll(async () => {
    for (const { server, context } of opened) {
      await context.close();
      await server.close();
    }
    await browser?.close();
  });

  it.each(Object.keys(themes) as ThemeName[])('shows numbers, states and standings, without a fault and without one that axe finds, in %s', async (theme) => {
    const files = study();
    writeProgress(files);
    const { page, view, faults } = await open(files, { theme, bypassCSP: true });
    await view.getByText('8 of 15 runs done, 1 failed, 1 stopped').waitFor();
    expect(await row(view, 'MAE').locator('td.number').first().textContent()).toContain('37.9 ± 0.4');
    // One seed of SiameseIM has no deviation, and is the best of its group; MoCo-v3 does not beat the untrained encoder's correspondence.
    expect(await row(view, 'SiameseIM').locator('td.best').count()).toBe(3);
    expect(await row(view, 'SiameseIM').locator('td.number').first().textContent()).toBe('★40.2, the best of its group');
    expect(await row(view, 'MoCo-v3').locator('td.behind').allTextContents()).toEqual(['▽14.8 ± 0.1, not above the untrained encoder']);
    expect(await row(view, 'MoCo-v3').locator('small.trouble-line').textContent()).toMatch(/^▲ unwell in 1 of 3 runs: step 400: The features collapse/);
    expect(await row(view, '(d) the other view\'s pixels').locator('small.trouble-line').textContent()).toBe('✕ failed in 1 of 3 runs: the loss is not finite after step 90');
    expect(await row(view, '(i)').locator('td.paper').allTextContents()).toEqual(['83.7', '76.8']);
    await view.getByRole('button', { name: 'SiameseIM, seed 1: running, step 412 of 1,200, 3 min 10 s left. Opens its curves' }).waitFor();
    await picture(page, theme);
    await row(view, 'SiameseIM').getByRole('button', { name: 'SiameseIM', exact: true }).click();
    await row(view, '(d) the other view\'s pixels').getByRole('button', { name: '(d) the other view\'s pixels', exact: true }).click();
    await view.locator('.details:not([hidden]) .why', { hasText: 'the loss is not finite' }).waitFor();
    await view.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    expect(await view.evaluate('axe.run().then(({ violations }) => violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary.slice(0, 300)}`))')).toEqual([]);
    await picture(page, `${theme} open`);
    expect(faults).toEqual([]);
  });

  it('follows the files, told only of what changed, and keeps the focus and what is open', async () => {
    const files = study();
    writeProgress(files);
    const { server, view, faults } = await open(files);
    await row(view, 'SiameseIM').getByRole('button', { name: 'SiameseIM', exact: true }).click();
    const chip = row(view, 'SiameseIM').locator('.chip').nth(1);
    await chip.focus();
    server.told.length = 0;
    writeStatus(files.cell('siamese', 1), 'running', 800, { eta: 60 });
    await view.locator('.now', { hasText: 'step 800 of 1,200, 1 min 0 s left' }).waitFor();
    // The row, and the one that shows the same runs.
    expect(server.told.flatMap((notice) => (notice.kind === 'changed' ? notice.rows.map(({ name }) => name) : ['all']))).toEqual(['SiameseIM', '(i)']);
    expect(await chip.evaluate((element) => element.matches(':focus'))).toBe(true);
    writeResult(files.cell('siamese', 1), [0.41, 0.233, 0.57]);
    await row(view, 'SiameseIM').getByText('40.6').waitFor();
    expect(await view.locator('.details:not([hidden])').count()).toBe(1);
    // Another file: the table is another, and what is open stays.
    writeFileSync(files.file, JSON.stringify({ ...studyFile(), title: 'Renamed', rows: studyFile().rows.slice(0, 4) }));
    await view.getByRole('heading', { name: 'Renamed' }).waitFor();
    expect(await view.locator('tr.row').count()).toBe(4);
    writeFileSync(files.file, '{ "rows": [');
    await view.getByRole('alert').getByText(/The study file is not understood.*paper\.study\.json:1:/s).waitFor();
    expect(await view.locator('tr.row').count()).toBeGreaterThan(0);
    expect(faults).toEqual([]);
  });

  it('opens curves, correspondence and folders of a run, copies the table, and names no path', async () => {
    const files = study();
    writeProgress(files);
    const { server, view } = await open(files);
    await row(view, 'MAE').locator('.chip').nth(1).click();
    await row(view, 'MAE').getByRole('button', { name: 'MAE', exact: true }).click();
    await view.getByRole('button', { name: 'Curves of all seeds' }).and(view.locator('.details:not([hidden]) *')).click();
    await view.getByRole('button', { name: 'Correspondence of MAE, seed 0' }).click();
    await view.getByRole('button', { name: 'Folder of MAE, seed 2' }).click();
    await view.getByRole('button', { name: 'Copy as Markdown' }).click();
    await view.getByText('Copied as Markdown.').waitFor();
    await view.getByRole('button', { name: 'Log' }).click();
    await view.getByRole('button', { name: 'Stop', exact: true }).click();
    await expect.poll(() => server.asked.length).toBe(7);
    const [curves, all, look, folder, copied, log, stopped] = server.asked;
    expect([curves, all, look, folder]).toEqual([['curves', [files.cell('mae', 1)]], ['curves', [0, 1, 2].map((seed) => files.cell('mae', seed))], ['correspond', files.cell('mae', 0)], ['reveal', files.cell('mae', 2)]]);
    expect(copied![1]).toMatch(/^\| MAE \| 37\.9 ± 0\.4 \|/m);
    expect([log, stopped]).toMatchObject([['show', join(files.folder, 'output.txt')], ['stop', { pid: process.pid }]]);
    expect(JSON.stringify([server.host.open(), server.told])).not.toContain(root);
  });

  it('sorts by a column within groups, and is as it was after a reload', async () => {
    const files = study();
    writeProgress(files);
    const names = (view: Frame): Promise<string[]> => view.locator('tr.row button.name').allTextContents();
    const { view, page } = await open(files);
    await view.getByRole('button', { name: 'k-NN %' }).click();
    expect(await names(view)).toEqual(['SiameseIM', 'MAE', 'MoCo-v3', 'Untrained', '(i)', '(d) the other view\'s pixels']);
    await view.getByRole('button', { name: 'LIN' }).click();
    await view.getByRole('button', { name: 'LIN' }).click();
    expect(await names(view)).toEqual(['MAE', 'MoCo-v3', 'SiameseIM', 'Untrained', '(d) the other view\'s pixels', '(i)']);
    expect(await view.locator('th[aria-sort]').allTextContents()).toEqual(['LIN']);
    await row(view, 'MAE').getByRole('button', { name: 'MAE', exact: true }).click();
    const kept = await page.evaluate('kept');
    const again = await open(files, { state: kept });
    await again.view.locator('.details:not([hidden])').waitFor();
    expect(await names(again.view)).toEqual(await names(view));
  });

  it('begins a study that nobody ran, says why it is refused, and launches nothing in Restricted Mode', async () => {
    const files = study();
    const { server, view, page } = await open(files, { width: 560 });
    await view.getByText('0 of 15 runs done').waitFor();
    await picture(page, 'empty narrow');
    server.refusal = 'row mae: batch.size: expected a number of at least 1';
    await view.getByRole('button', { name: 'Run study' }).click();
    await view.getByText('row mae: batch.size: expected a number of at least 1').waitFor();
    expect(server.asked).toEqual([['run', files.file]]);
    const restricted = await open(files, { trusted: false });
    await restricted.view.getByRole('button', { name: 'Manage trust' }).click();
    expect(await restricted.view.getByRole('button', { name: 'Run study' }).count()).toBe(0);
    await expect.poll(() => restricted.server.asked).toEqual([['trust']]);
    const finished = study({ ...studyFile({ seeds: [0] }), rows: studyFile().rows.slice(0, 2) });
    for (const id of ['untrained', 'mocov3']) writeResult(finished.cell(id, 0), [0.3]);
    const end = await open(finished);
    await end.view.getByText('all 2 runs done').waitFor();
    expect(await end.view.getByRole('button', { name: /Run study|Go on|Stop/ }).count()).toBe(0);
    const broken = study({ name: 'paper', rows: [], seeds: '<img src=x onerror=alert(1)>' });
    const other = await open(broken);
    await other.view.getByText(/rows: expected a list of at least 1 items/).waitFor();
    expect(other.faults).toEqual([]);
  });
});
