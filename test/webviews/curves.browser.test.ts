/** The curves view in a real browser, under its real content security policy, against the real host. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noBrowser, openBrowser } from '../helpers/browser.ts';
import { expectWithin } from '../helpers/expectWithin.ts';
import { wallTime } from '../helpers/slowness.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { openPage, type OpenedPage } from './openedPage.ts';
import { PanelServer, type PanelServerOptions } from './panelServer.ts';
import { divergence, knownRun, lineOf, metricsRows, writeRun } from './runsFixture.ts';
import { themes, type ThemeName } from './themes.ts';

if (noBrowser) console.warn(`Skipped: the curves view in a browser (${noBrowser}).`);

const root = temporaryFolder();
/** Where pictures are put, when someone wants to look at them. */
const pictures = process.env.SIAMSCOPE_SCREENSHOTS;

interface Opened extends OpenedPage {
  server: PanelServer;
}

/** Share of the processors that is idle, over half a second. */
async function idleShare(): Promise<number> {
  const times = (): { idle: number; all: number } => cpus().reduce((sum, { times: { user, nice, sys, irq, idle } }) => ({ idle: sum.idle + idle, all: sum.all + user + nice + sys + irq + idle }), { idle: 0, all: 0 });
  const before = times();
  await new Promise((done) => setTimeout(done, 500));
  const after = times();
  return (after.idle - before.idle) / Math.max(1, after.all - before.all);
}

describe.skipIf(noBrowser !== null)('the curves view', () => {
  let browser: Browser;
  const opened: Opened[] = [];

  async function open(sources: readonly string[], options: PanelServerOptions & { theme?: ThemeName; width?: number; height?: number; bypassCSP?: boolean; later?: boolean } = {}): Promise<Opened> {
    const server = await PanelServer.start(sources, options);
    const entry = { server, ...(await openPage(browser, server.address(options.theme ?? 'dark', options.later), 'curves', options)) };
    opened.push(entry);
    return entry;
  }

  /** Playwright's own waiting evaluates text inside the page, which its policy refuses. */
  async function until(view: Frame | Page, expression: string): Promise<void> {
    for (const end = performance.now() + 20_000; !(await view.evaluate(expression)); ) {
      if (performance.now() > end) throw new Error(`never came true: ${expression}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }
  const complete = (view: Frame): Promise<void> => until(view, 'performance.getEntriesByName("curves-complete").length > 0');
  const picture = (page: Page, name: string): Promise<unknown> => (pictures ? page.screenshot({ path: join(pictures, `${name}.png`) }) : Promise.resolve());

  const ours = join(root, 'runs');
  const folders = ['siamese-small', 'mae-small', 'siamese-high-lr'].map((name) => join(ours, name));
  const known = (folder: string): ReturnType<typeof knownRun> | null => {
    switch (folder) {
      case folders[0]: return knownRun('siamese-small', 'running', 3200, 8000, { resumedFrom: 1500 });
      case folders[1]: return knownRun('mae-small', 'done', 2600, 2600);
      case folders[2]: return knownRun('siamese-high-lr', 'failed', 2000, 8000, { health: [divergence(1640)], error: { message: 'the loss is not finite after step 2000', step: 2000 } });
      default: return null;
    }
  };

  beforeAll(async () => {
    writeRun(folders[0]!, { seed: 1, steps: 3200 });
    writeRun(folders[1]!, { seed: 0, steps: 2600 });
    writeRun(folders[2]!, { seed: 2, steps: 2000, divergesAt: 1300, notFinite: [1990, 2000] });
    if (pictures) mkdirSync(pictures, { recursive: true });
    browser = await openBrowser();
  });
  afterAll(async () => {
    for (const { server } of opened) await server.close().catch(() => undefined);
    await browser?.close();
  });

  it.each(Object.keys(themes) as ThemeName[])('shows runs at a glance and their curves, without a fault and without one that axe finds, in %s', async (theme) => {
    const { page, view, faults, context, server } = await open(folders, { known, theme, bypassCSP: true, height: 1000 });
    await complete(view);
    expect(await view.locator('.chart canvas').count()).toBe(6);
    const rows = await view.locator('.runs tbody tr').allTextContents();
    expect(rows.map((row) => row.includes('siamese-small'))).toEqual([true, false, false]);
    expect(rows[0]).toMatch(/running.*3,200 of 8,000, 32 min left/);
    expect(rows[2]).toContain('The loss diverges: 0.81, after 0.33');
    const loss = view.getByRole('region', { name: 'loss', exact: true }).first();
    const plot = (await loss.locator('.u-over').boundingBox())!;
    await page.mouse.move(plot.x + plot.width * 0.5125, plot.y + 60);
    await until(view, '!document.querySelector(".tip").hidden');
    expect(await loss.locator('.tip').textContent()).toContain('Cause: Steps are too large for the loss around them. What to do: Go back to an earlier checkpoint');
    await picture(page, `curves ${theme}`);
    await view.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
    await view.locator('button', { hasText: /^Metrics/ }).click();
    await view.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    const found = await view.evaluate('axe.run().then(({ violations }) => violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary.slice(0, 300)}`))');
    await picture(page, `curves ${theme} open`);
    expect(found).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
    await server.close();
  });

  /** Where the loss is drawn. A chart that is drawn anew has no place for a moment. */
  async function plotOf(view: Frame): Promise<{ x: number; y: number; width: number; height: number }> {
    for (const end = performance.now() + 20_000; ; ) {
      const box = await chartOf(view, 'loss').locator('.u-over').boundingBox();
      if (box) return box;
      if (performance.now() > end) throw new Error('the loss is not drawn');
    }
  }

  const chartOf = (view: Frame, name: string): ReturnType<Frame['locator']> => view.locator('.chart').filter({ has: view.page().frame('view')!.locator(`h3:text-is(${JSON.stringify(name)})`) });
  const countOf = async (view: Frame, name: string): Promise<string> => (await chartOf(view, name).locator('.count').textContent())!;
  const settled = (view: Frame, name: string, text: RegExp): Promise<void> => until(view, `[...document.querySelectorAll('.chart')].some((chart) => chart.querySelector('h3').textContent === ${JSON.stringify(name)} && ${String(text)}.test(chart.querySelector('.count').textContent))`);

  it('zooms by dragging and keys, says how many points it shows, stays where it is while a run goes on, and comes back as it was', async () => {
    const folder = join(root, 'live');
    writeRun(folder, { seed: 3, steps: 1000 });
    const { page, view, server, faults, context } = await open([folder], { known: () => null });
    await complete(view);
    expect(await countOf(view, 'loss')).toBe('1,000 of 1,000 points');
    const plot = await plotOf(view);
    await page.mouse.move(plot.x + plot.width * 0.25, plot.y + 60);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.5, plot.y + 70, { steps: 5 });
    await page.mouse.up();
    await settled(view, 'loss', /^2[45]\d of 1,000/);
    await until(page, 'globalThis.kept?.range != null');
    const zoomed = await page.evaluate('globalThis.kept.range');
    // The run goes on: more points, the same view.
    appendFileSync(join(folder, 'metrics.jsonl'), metricsRows({ seed: 3, steps: 1200 }).slice(1000).map(lineOf).join(''));
    await settled(view, 'loss', /^2[45]\d of 1,200/);
    expect(await page.evaluate('globalThis.kept.range')).toEqual(zoomed);
    const kept = await page.evaluate('globalThis.kept');
    // Keys: pan, show all, move the cursor.
    const chart = chartOf(view, 'loss').locator('.plot');
    await chart.focus();
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('+');
    await settled(view, 'loss', /^12\d of 1,200/);
    await page.keyboard.press('Escape');
    await settled(view, 'loss', /^1,200 of 1,200/);
    await page.keyboard.press('ArrowRight');
    await until(view, '/^step \\d/.test(document.querySelector(".position").textContent)');
    expect(await chartOf(view, 'loss').locator('.legend').getAttribute('aria-live')).toBe('polite');
    await page.keyboard.press('l');
    await until(view, 'document.querySelector(".chart [aria-pressed]").getAttribute("aria-pressed") === "true"');
    await page.keyboard.press('p');
    await until(view, 'document.querySelector(".chart").classList.contains("pinned")');
    await picture(page, 'curves pinned');
    expect(faults).toEqual([]);
    await context.close();
    await server.close();
    // After a reload of the window: what the page kept is all that it begins with.
    const again = await open([folder], { state: kept });
    await complete(again.view);
    await settled(again.view, 'loss', /^2[45]\d of 1,200/);
    expect(JSON.stringify(kept)).toContain('"panel":"a-panel"');
  });

  it('keeps every point of a run that goes on inside its frame', async () => {
    const folder = join(root, 'growing');
    mkdirSync(folder);
    writeFileSync(join(folder, 'metrics.jsonl'), '{"step":1,"loss":1}\n{"step":2,"loss":1.1}\n');
    const { page, view, faults } = await open([folder]);
    await complete(view);
    appendFileSync(join(folder, 'metrics.jsonl'), '{"step":3,"loss":50}\n');
    await settled(view, 'loss', /^3 of 3/);
    const { x, y, width, height } = await plotOf(view);
    // The line ends in the last pixels of the frame, where the third point is; one that is cut off leaves before.
    const isDrawn = async (): Promise<boolean> => {
      const { data, info } = await sharp(await page.screenshot({ clip: { x: x + width - 6, y, width: 5, height } })).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      return Array.from({ length: info.width * info.height }, (_, i) => data[3 * i + 2]! - data[3 * i]!).some((blue) => blue > 60);
    };
    for (let wait = 0; !(await isDrawn()) && wait < 50; wait++) await page.waitForTimeout(100);
    expect(await isDrawn()).toBe(true);
    expect(faults).toEqual([]);
  });

  it('draws over epochs, time and images, hides runs, chooses metrics, and saves what it shows', async () => {
    const { page, view, server, faults } = await open(folders.slice(0, 2), { known });
    await complete(view);
    for (const [axis, shown] of [['images', /images [\d,]{6,}/], ['epoch', /epoch \d+/], ['time', /time \d+ min/]] as const) {
      await view.evaluate('performance.clearMarks()');
      await view.locator('#axis').selectOption(axis);
      await complete(view);
      const plot = await plotOf(view);
      await page.mouse.move(plot.x + plot.width * 0.6, plot.y + 50);
      await page.mouse.move(plot.x + plot.width * 0.61, plot.y + 50);
      await until(view, `${String(shown)}.test(document.querySelector('.position').textContent)`);
    }
    await view.locator('#axis').selectOption('step');
    await view.locator('.runs input').nth(1).uncheck();
    await settled(view, 'loss', /^3,200 of 3,200/);
    await view.locator('button', { hasText: /^Metrics/ }).click();
    await view.getByLabel('Filter metrics').fill('memory');
    await view.locator('.choices label', { hasText: 'memory_mb' }).click();
    await settled(view, 'memory_mb', /^3,200/);
    const save = chartOf(view, 'loss').locator('select');
    for (const format of ['png', 'svg', 'csv']) {
      await save.selectOption(format);
      for (let wait = 0; !server.saved.some(({ name }) => name === `loss.${format}`) && wait < 100; wait++) await page.waitForTimeout(50);
    }
    const [png, svg, csv] = ['png', 'svg', 'csv'].map((format) => server.saved.find(({ name }) => name === `loss.${format}`)!.bytes);
    expect(png!.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
    expect([svg!.toString(), /NaN|undefined|<script/.test(svg!.toString())]).toEqual([expect.stringMatching(/^<svg [^]*clip-path[^]*siamese-small[^]*<\/svg>\n$/), false]);
    const lines = csv!.toString().trimEnd().split('\n');
    expect([lines.length, lines[0], lines[1]]).toEqual([3201, 'run,step,loss', `siamese-small,1,${metricsRows({ seed: 1, steps: 3200 })[0]!.loss}`]);
    expect(faults).toEqual([]);
  });

  it.each(['dark', 'light'] as const)('shows a few evaluations among thousands of steps as points, not smoothed, in a saved picture too, in %s', async (theme) => {
    const folder = join(root, `measured ${theme}`);
    writeRun(folder, { seed: 3, steps: 3200 });
    const values = Array.from({ length: 9 }, (_, i) => ({ step: 400 * i, epoch: 1.6 * i, elapsed_seconds: 164 * i, eval_seconds: 3, eval_knn_top1: 0.1 + 0.3 * Math.sqrt(i / 8) }));
    writeFileSync(join(folder, 'evaluations.jsonl'), values.map(lineOf).join(''));
    const { page, view, server, faults } = await open([folder], { theme });
    await complete(view);
    await settled(view, 'eval_knn_top1', /^9 of 9/);
    await chartOf(view, 'eval_knn_top1').scrollIntoViewIfNeeded();
    const plot = (await chartOf(view, 'eval_knn_top1').locator('.u-over').boundingBox())!;
    await page.mouse.move(plot.x + plot.width / 2, plot.y + 40);
    // A smoothed value would stand before that of the point.
    await until(view, `[...document.querySelectorAll('.chart')].some((chart) => chart.querySelector('h3').textContent === 'eval_knn_top1' && /^0\\.312\\d*$/.test(chart.querySelector('.legend .value').textContent))`);
    expect(await chartOf(view, 'loss').locator('.legend .value').textContent()).toMatch(/\(/);
    await picture(page, `curves evaluations ${theme}`);
    for (const name of ['eval_knn_top1', 'loss']) await chartOf(view, name).locator('select').selectOption('svg');
    for (let wait = 0; server.saved.length < 2 && wait < 100; wait++) await page.waitForTimeout(50);
    const svg = (name: string): string => server.saved.find((saved) => saved.name === `${name}.svg`)!.bytes.toString();
    if (pictures) writeFileSync(join(pictures, `eval_knn_top1 ${theme}.svg`), svg('eval_knn_top1'));
    const circles = [...svg('eval_knn_top1').matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)" r="2.2" fill="#\w+"\/>/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
    const line = /<path d="([^"]+)" stroke="#\w+" stroke-width="1.5"/.exec(svg('eval_knn_top1'))![1]!.split(/[ML ]/).filter(Boolean).map(Number);
    expect(circles.flat()).toEqual(line);
    expect(circles).toHaveLength(9);
    expect(svg('eval_knn_top1')).not.toContain('stroke-opacity');
    expect(svg('loss')).not.toContain('<circle');
    expect(svg('loss')).toContain('stroke-opacity');
    expect(faults).toEqual([]);
  });

  it('fits a narrow column of the editor', async () => {
    const { page, view, faults } = await open(folders, { known, width: 420, theme: 'light' });
    await complete(view);
    await picture(page, 'curves narrow');
    expect(await view.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(faults).toEqual([]);
  });

  it('says what to do when there is nothing, and shows what the user then points at', async () => {
    const { page, view, server, faults } = await open([]);
    await view.locator('.empty h2', { hasText: 'No curves yet' }).waitFor();
    await picture(page, 'curves empty');
    server.chosen = [folders[0]!];
    await view.getByRole('button', { name: 'Watch a folder' }).click();
    await complete(view);
    await settled(view, 'loss', /^3,200 of 3,200/);
    expect(faults).toEqual([]);
  });

  it('opens a million points in a moment and pans them at 50 frames a second or better', async () => {
    const folder = join(root, 'million');
    mkdirSync(folder);
    const spike = 654_321;
    const rows: string[] = [];
    for (let step = 1; step <= 1_000_000; step++) rows.push(`{"step":${step},"loss":${step === spike ? 5 : 1 / (1 + step / 1e5) + 0.1 * Math.abs(Math.sin(step * 12.9898))}}`);
    writeFileSync(join(folder, 'metrics.jsonl'), `${rows.join('\n')}\n`);
    const opening: number[] = [];
    let last: Opened | null = null;
    // Times mean something where nobody else computes; where others do not stop, the figures are printed, and the limit is not held against them.
    let idle = 0;
    for (let wait = 0; wait < 20 && (idle = await idleShare()) < 0.85; wait++);
    for (let k = 0; k < 5; k++) {
      if (last) {
        await last.context.close();
        await last.server.close();
      }
      // The editor's window is there already, and at rest, when someone asks for a panel.
      last = await open([folder], { later: true });
      await last.page.waitForTimeout(700);
      await last.page.evaluate('openPanel()');
      await last.page.waitForTimeout(300);
      await complete(last.view);
      // From the moment that the panel is asked for to the frame that shows all points.
      opening.push(await last.view.evaluate<number>('performance.timeOrigin + performance.getEntriesByName("curves-complete")[0].startTime') - await last.page.evaluate<number>('performance.timeOrigin + performance.getEntriesByName("panel-asked-for")[0].startTime'));
    }
    const { page, view, faults } = last!;
    expect(await countOf(view, 'loss')).toBe('1,000,000 of 1,000,000 points');
    // The one high point shows in the picture of the whole.
    const plot = await plotOf(view);
    await page.mouse.move(plot.x + (plot.width * spike) / 1e6, plot.y + 40);
    await page.mouse.move(plot.x + (plot.width * spike) / 1e6 + 0.3, plot.y + 40);
    await until(view, '/… 5\\)?/.test(document.querySelector(".legend .value").textContent)');
    await picture(page, 'curves million');
    await page.mouse.move(plot.x + plot.width * 0.5, plot.y + 40);
    await page.keyboard.down('Control');
    for (let k = 0; k < 4; k++) await page.mouse.wheel(0, -60);
    await page.keyboard.up('Control');
    await page.waitForTimeout(400);
    // Shift and drag: each move lands between two frames.
    await view.evaluate(`globalThis.frames_ = []; (function frame(now) { globalThis.frames_.push(now); requestAnimationFrame(frame); })(performance.now())`);
    const before = await countOf(view, 'loss');
    await page.keyboard.down('Shift');
    await page.mouse.down();
    await view.evaluate('globalThis.frames_.length = 0');
    for (let k = 0; k < 150; k++) await page.mouse.move(plot.x + plot.width * 0.5 + 150 * Math.sin(k / 12), plot.y + 40);
    const frames = await view.evaluate<number[]>('globalThis.frames_');
    await page.mouse.up();
    await page.keyboard.up('Shift');
    const gaps = frames.slice(1).map((time, i) => time - frames[i]!).sort((a, b) => a - b);
    const rate = (1000 * gaps.length) / (frames.at(-1)! - frames[0]!);
    console.log(`1,000,000 points: opened in ${opening.map((ms) => ms.toFixed(0)).join(', ')} ms; panned at ${rate.toFixed(1)} frames a second (${gaps.length} frames, 95th percentile ${gaps[Math.floor(0.95 * gaps.length)]!.toFixed(1)} ms, slowest ${gaps.at(-1)!.toFixed(1)} ms)`);
    expect(before).not.toContain('1,000,000 of');
    // The bar is 500 ms, and two quiet cores took 359 to 474 ms; neighbours on a shared machine slow them to 1.7 times, and only ever add: the least of five is what the view itself takes.
    if (idle >= 0.85) await expectWithin(850, Math.min(...opening), wallTime);
    else console.warn(`Not asserted: the time of opening (others kept the processors busy; ${Math.round(100 * idle)} % were idle).`);
    expect(gaps.length).toBeGreaterThan(30);
    expect(rate).toBeGreaterThanOrEqual(50);
    expect(faults).toEqual([]);
  });

  it('runs no script and makes no request for 500 names of runs, metrics and files that try to', async () => {
    const base = ['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<svg onload=alert(1)>', '"><iframe src="https://example.com/">', "'-alert(1)-'", '</style><link rel=stylesheet href=//example.com/x.css>', '${alert(1)}', '{{constructor.constructor("alert(1)")()}}', 'javascript:alert(1)', '<a href=javascript:alert(1) autofocus onfocus=alert(1)>', '<base href=//example.com>', '<meta http-equiv=refresh content="0;url=//example.com">', '</title><script src=//example.com/x.js></script>', '<details open ontoggle=alert(1)>', '__proto__', 'constructor', '\u202eexe.txt', '=cmd|\' /C calc\'!A0', '<math><mtext><style><img src=x onerror=alert(1)>', '<template><script>alert(1)</script></template>'];
    const names = Array.from({ length: 500 }, (_, i) => `${base[i % base.length]} ${i}`);
    const sources: string[] = [];
    // 400 names of metrics, 50 of runs that the editor knows, 50 of files.
    for (let k = 0; k < 50; k++) {
      const folder = join(root, 'xss', `f${k}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'metrics.jsonl'), lineOf({ step: 1, ...Object.fromEntries(names.slice(8 * k, 8 * k + 8).map((name) => [name, 1])) }) + lineOf({ step: 2, ...Object.fromEntries(names.slice(8 * k, 8 * k + 8).map((name) => [name, k])) }));
      sources.push(folder);
      const file = join(root, 'xss', `${names[450 + k]!.replaceAll('/', '∕')}.jsonl`);
      writeFileSync(file, '{"step":1,"loss":1}\n');
      sources.push(file);
    }
    const { page, view, faults, server } = await open(sources, {
      known: (folder) => { const k = /f(\d+)$/.exec(folder)?.[1]; return k === undefined ? null : knownRun(names[400 + Number(k)]!, 'failed', 2, 10, { error: { message: names[Number(k)]!, step: 2 }, health: [{ ...divergence(1), summary: names[Number(k) + 60]!, cause: names[Number(k) + 120]!, advice: names[Number(k) + 180]! }] }); },
      state: { metrics: names, pinned: [names[3]], log: [names[5]], hidden: ['<b>'], panel: '<script>alert(1)</script>' },
    });
    await complete(view);
    const unseen = async (): Promise<string[]> => {
      const text = await view.locator('body').textContent();
      return names.filter((name) => !text!.includes(name.replaceAll('/', name.includes('/') && names.indexOf(name) >= 450 ? '∕' : '/')));
    };
    // A hundred files are read one after the other.
    for (let wait = 0; wait < 100 && (await unseen()).length > 0; wait++) await page.waitForTimeout(100);
    expect(await unseen()).toEqual([]);
    await view.locator('button', { hasText: /^Metrics/ }).click();
    for (let k = 0; k < 6; k++) await page.mouse.wheel(0, 3000);
    await view.locator('.chart select').first().selectOption('svg');
    for (let wait = 0; server.saved.length === 0 && wait < 100; wait++) await page.waitForTimeout(50);
    expect([server.saved[0]!.name, server.saved[0]!.bytes.toString()]).toEqual([expect.not.stringMatching(/[<>"'/\\]/), expect.not.stringMatching(/<(script|img|iframe|a|style|link|meta|base)\b/)]);
    expect(await view.evaluate('document.querySelectorAll("script:not([nonce]), iframe, img, link:not([href*=bundles]), a, base, #view script").length')).toBe(0);
    expect(faults).toEqual([]);
  });

  it('has a page that may load nothing but its own script and style, and says so', async () => {
    const { view, page } = await open([folders[0]!]);
    await complete(view);
    const policy = await view.evaluate<string>('document.querySelector("meta[http-equiv=Content-Security-Policy]").content');
    expect(policy).toMatch(/^default-src 'none'; script-src 'nonce-[\w-]+'; style-src http:\/\/127\.0\.0\.1:\d+; base-uri 'none'; form-action 'none'$/);
    const blocked = await view.evaluate<{ refused: string[]; ran: boolean }>(`(async () => {
      const refused = [];
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => refused.push(effectiveDirective));
      await fetch('/view').catch(() => refused.push('fetch'));
      const script = document.createElement('script'); script.textContent = 'globalThis.ran = true'; document.body.append(script);
      const image = new Image(); image.src = '/x.png'; await new Promise((done) => { image.onerror = done; image.onload = done; });
      return { refused: [...new Set(refused)].sort(), ran: globalThis.ran ?? false };
    })()`);
    expect(blocked).toEqual({ refused: ['connect-src', 'fetch', 'img-src', 'script-src-elem'], ran: false });
    await page.close();
  });

  it('follows the editor to another theme', async () => {
    const { view, faults } = await open([folders[0]!], { known });
    await complete(view);
    const drawn = (): Promise<unknown> => view.evaluate('document.querySelector(".chart canvas").toDataURL()');
    const dark = await drawn();
    await view.evaluate(`document.body.className = 'vscode-light'; document.documentElement.style.setProperty('--vscode-editor-background', '#fff')`);
    await until(view, `document.querySelector('.chart canvas').toDataURL() !== ${JSON.stringify(dark)}`);
    expect(faults).toEqual([]);
  });
});
