/** The checkpoint inspector in a real browser, under its real content security policy, with its real host: good, broken and hostile files. */
import { mkdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors, type TensorToWrite } from '../../backend/formats/tensorFile.ts';
import { Random } from '../../backend/random.ts';
import { checkpoint, dict, global, pickle, tensor, text } from '../formats/hostile.ts';
import { noBrowser, openBrowser } from '../helpers/browser.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { CheckpointServer, type CheckpointServerOptions } from './checkpointServer.ts';
import { openPage, type OpenedPage } from './openedPage.ts';
import { themes, type ThemeName } from './themes.ts';

if (noBrowser) console.warn(`Skipped: the checkpoint inspector in a browser (${noBrowser}).`);

const root = temporaryFolder();
const fixtures = join(import.meta.dirname, '../fixtures');
/** Where pictures are put, when someone wants to look at them. */
const pictures = process.env.SIAMSCOPE_SCREENSHOTS;

interface Opened extends OpenedPage {
  server: CheckpointServer;
}

/** A SiameseIM model as it is saved, small: what its names are, and values that look trained. */
function siameseTensors(seed: number, change: Record<string, (data: Float32Array) => void> = {}): TensorToWrite[] {
  const random = new Random(seed);
  const [width, depth, patch, side] = [48, 4, 8, 6];
  const tensors: TensorToWrite[] = [];
  const add = (name: string, shape: number[], value: (i: number) => number = () => 0.03 * random.normal()): void => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i));
    change[name]?.(data);
    tensors.push({ name, dtype: 'F32', shape, data });
  };
  const blocks = (prefix: string, count: number): void => {
    for (let i = 0; i < count; i++) {
      for (const norm of ['norm1', 'norm2']) {
        add(`${prefix}.${i}.${norm}.weight`, [width], () => 1 + 0.05 * random.normal());
        add(`${prefix}.${i}.${norm}.bias`, [width]);
      }
      for (const [name, shape] of [['attn.qkv', [3 * width, width]], ['attn.proj', [width, width]], ['mlp.fc1', [4 * width, width]], ['mlp.fc2', [width, 4 * width]]] as const) {
        add(`${prefix}.${i}.${name}.weight`, [...shape]);
        add(`${prefix}.${i}.${name}.bias`, [shape[0]]);
      }
    }
  };
  /** Waves of some colour, as trained filters are. */
  const filter = (i: number): number => {
    const unit = patch * patch, k = Math.floor(i / (3 * unit)), channel = Math.floor(i / unit) % 3, y = Math.floor(i / patch) % patch, x = i % patch;
    const angle = k * 0.7, frequency = 0.25 + (k % 7) * 0.22;
    return (1 + Math.sin(k * 1.7 + channel * (k % 3))) * Math.sin(frequency * (x * Math.cos(angle) + y * Math.sin(angle)) + k) * 0.1 * (1 - k / 60);
  };
  const wave = (position: number, d: number): number => {
    if (position === 0) return 0;
    const [row, column] = [Math.floor((position - 1) / side), (position - 1) % side], frequency = 100 ** (-(d % 12) / 12);
    return [Math.sin(row * frequency), Math.cos(row * frequency), Math.sin(column * frequency), Math.cos(column * frequency)][Math.floor(d / 12)]!;
  };
  for (const branch of ['', 'mm_']) {
    add(`${branch}cls_token`, [1, 1, width]);
    add(`${branch}patch_embed.proj.weight`, [width, 3, patch, patch], filter);
    add(`${branch}patch_embed.proj.bias`, [width]);
    blocks(`${branch}blocks`, depth);
    add(`${branch}decoder_embed.weight`, [width, width]);
    blocks(`${branch}projector_decoder_blocks`, 2);
  }
  add('pos_embed', [1, side * side + 1, width], (i) => wave(Math.floor(i / width), i % width));
  add('mask_token', [1, 1, width]);
  blocks('predictor_decoder_blocks', 2);
  add('decoder_pred.weight', [width, width]);
  return tensors;
}

describe.skipIf(noBrowser !== null)('the checkpoint inspector', () => {
  let browser: Browser;
  const opened: Opened[] = [];
  const run = join(root, 'runs/flowers');
  const model = join(run, 'checkpoints/400/model.safetensors');

  async function open(path: string, options: CheckpointServerOptions & { theme?: ThemeName; width?: number; height?: number; bypassCSP?: boolean } = {}): Promise<Opened> {
    const server = await CheckpointServer.start(path, options);
    const entry = { server, ...(await openPage(browser, server.view.address(options.theme ?? 'dark'), 'checkpoint', options)) };
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
  const shown = (view: Frame): Promise<void> => until(view, 'performance.getEntriesByName("checkpoint-shown").length > 0 && document.querySelector(".body .row") !== null');
  const picture = (page: Page, name: string): Promise<unknown> => (pictures ? page.screenshot({ path: join(pictures, `${name}.png`) }) : Promise.resolve());
  const close = async ({ context, server }: Opened): Promise<void> => {
    await context.close();
    await server.close();
  };
  const labels = (view: Frame): Promise<string[]> => view.evaluate('[...document.querySelectorAll(".body .row .name")].map((name) => name.textContent)');
  const row = (view: Frame, label: string): ReturnType<Frame['locator']> => view.locator('.body .row').filter({ has: view.page().frame('view')!.locator(`.name:text-is(${JSON.stringify(label)})`) }).first();

  beforeAll(async () => {
    if (pictures) mkdirSync(pictures, { recursive: true });
    for (const step of [200, 400]) {
      const folder = join(run, 'checkpoints', String(step));
      mkdirSync(folder, { recursive: true });
      const { bytes, sha256 } = await writeSafetensors(join(folder, 'model.safetensors'), siameseTensors(1, step === 400 ? { 'blocks.2.attn.qkv.weight': (data) => data.forEach((value, i) => (data[i] = value * 1.3)) } : {}), { format: 'pt' });
      writeFileSync(join(folder, 'optimizer.safetensors'), '');
      writeFileSync(join(folder, 'state.json'), JSON.stringify({ version: 1, step, files: { 'model.safetensors': { bytes, sha256 } } }));
    }
    writeFileSync(join(run, 'config.json'), JSON.stringify({ name: 'flowers', seed: 0, model: { arch: 'vit_small', imageSize: 48, patchSize: 8 }, method: { name: 'siamese', mask: 'block' }, schedule: { epochs: 100 } }));
    browser = await openBrowser();
  });
  afterAll(async () => {
    for (const { server } of opened) await server.close().catch(() => undefined);
    await browser?.close();
  });

  it.each(Object.keys(themes) as ThemeName[])('shows at a glance what a file is, without a fault and without one that axe finds, in %s', async (theme) => {
    const entry = await open(model, { theme, bypassCSP: true, height: 1100 });
    const { page, view, faults } = entry;
    await shown(view);
    expect(await view.locator('.what').textContent()).toBe('SiameseIM · Vision Transformer: 4 blocks of width 48, patches of 8 × 8, images of 48 × 48');
    expect(await view.locator('.facts').textContent()).toContain('flowers, step 400');
    expect(await view.locator('.legend b').allTextContents()).toEqual(['Online encoder', 'Online projector', 'Online predictor', 'Target encoder', 'Target projector']);
    expect(await view.locator('#health').textContent()).toBe('Its header is healthy');
    await view.getByRole('button', { name: 'Check all values' }).click();
    await view.getByText(/^All [\d,]+ values of \d+ tensors are finite\.$/).waitFor();
    expect(await view.locator('#health').textContent()).toBe('It is healthy');
    await view.getByText('its sha256 is that of the manifest').waitFor();
    await view.locator('.legend button').first().click();
    await row(view, 'blocks').click();
    await row(view, '2').click();
    await row(view, 'attn').click();
    await row(view, 'qkv').click();
    await row(view, 'weight').click();
    await until(view, 'performance.getEntriesByName("detail-shown").length > 0');
    expect(await view.locator('.detail h3').textContent()).toBe('blocks.2.attn.qkv.weight');
    await picture(page, `checkpoint ${theme}`);
    for (const title of ['Patch embedding, online', 'Position embedding, online', 'Compare with another checkpoint', 'Configuration of flowers']) await view.locator('.section summary').filter({ hasText: title }).first().click();
    await until(view, 'performance.getEntriesByName("picture-shown").length === 2');
    await view.getByRole('button', { name: 'Compare', exact: true }).click();
    await until(view, 'performance.getEntriesByName("difference-shown").length > 0');
    expect(await view.locator('.difference > p').first().textContent()).toMatch(/^To step 200: 1 tensor changed, \d+ identical\./);
    await view.evaluate('for (const details of document.querySelectorAll("details details, .detail details")) details.open = true');
    await until(view, 'document.querySelector(".difference .name") !== null && document.querySelector(".difference details td") !== null');
    expect(await view.locator('.difference .name').allTextContents()).toEqual(['blocks.2.attn.qkv.weight']);
    expect(await view.locator('.difference details td').first().textContent()).toMatch(/^23\.1 %/);
    await view.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    const found = await view.evaluate('axe.run().then(({ violations }) => violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary.slice(0, 300)}`))');
    await view.evaluate('document.querySelector(".section").scrollIntoView()');
    await picture(page, `checkpoint ${theme} pictures`);
    expect(found).toEqual([]);
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('is used by keys alone, and comes back as it was', async () => {
    const entry = await open(model);
    const { page, view, faults } = entry;
    await shown(view);
    await view.locator('.grid').focus();
    const active = (): Promise<string> => view.evaluate('document.getElementById(document.querySelector(".grid").getAttribute("aria-activedescendant"))?.querySelector(".name").textContent ?? ""');
    const press = async (key: string, expected: string): Promise<void> => {
      await page.keyboard.press(key);
      await until(view, `(document.getElementById(document.querySelector(".grid").getAttribute("aria-activedescendant"))?.querySelector(".name").textContent ?? "") === ${JSON.stringify(expected)}`);
    };
    expect(await active()).toBe('Online encoder');
    await page.keyboard.press('ArrowRight');
    await until(view, 'document.querySelector("#row-0").getAttribute("aria-expanded") === "true"');
    await press('ArrowRight', 'cls_token');
    await press('ArrowDown', 'patch_embed.proj');
    await press('ArrowDown', 'blocks');
    await page.keyboard.press('Enter');
    await until(view, 'document.querySelector("#row-3").getAttribute("aria-expanded") === "true"');
    await press('ArrowRight', '0');
    await press('ArrowLeft', 'blocks');
    await press('ArrowLeft', 'blocks');
    await press('ArrowUp', 'patch_embed.proj');
    await press('Home', 'Online encoder');
    await press('End', 'Target projector');
    await press('Home', 'Online encoder');
    await press('ArrowDown', 'cls_token');
    await page.keyboard.press(' ');
    await until(view, 'document.querySelector(".detail h3")?.textContent === "cls_token"');
    await view.getByLabel('Search tensors').fill('PREDICTOR 144x48');
    await until(view, 'document.querySelector(".searching .quiet").textContent === "2 found"');
    expect(await labels(view)).toEqual(['predictor_decoder_blocks.0.attn.qkv.weight', 'predictor_decoder_blocks.1.attn.qkv.weight']);
    await view.locator('.section summary').filter({ hasText: 'Position embedding, online' }).first().click();
    await view.locator('.chosen').focus();
    await page.keyboard.press('ArrowLeft');
    await until(view, '/^Row 4, column 3 of 6 × 6/.test(document.querySelector(".positions figcaption p").textContent)');
    await until(page, 'globalThis.kept?.sections.length === 1');
    const kept = await page.evaluate('globalThis.kept');
    expect(faults).toEqual([]);
    await close(entry);
    const again = await open(model, { state: kept });
    await shown(again.view);
    await until(again.view, 'document.querySelector(".searching .quiet").textContent === "2 found" && performance.getEntriesByName("picture-shown").length === 1');
    await again.view.getByLabel('Search tensors').fill('');
    await until(again.view, '[...document.querySelectorAll(".body .row .name")].some((name) => name.textContent === "patch_embed.proj")');
    await close(again);
  });

  it('offers what a checkpoint can do, asks for trust before that, and says when the file is another', async () => {
    const path = join(root, 'mine.safetensors');
    await writeSafetensors(path, siameseTensors(2));
    const entry = await open(path, { trusted: false });
    const { view, server, faults } = entry;
    await shown(view);
    expect(await Promise.all(['Export…', 'Correspond'].map((name) => view.getByRole('button', { name }).isDisabled()))).toEqual([true, false]);
    await view.getByRole('button', { name: 'Manage Trust' }).click();
    server.trusted = true;
    server.host.notify();
    await view.getByRole('button', { name: 'Export…' }).click();
    await view.getByRole('button', { name: 'Correspond' }).click();
    for (const end = performance.now() + 10_000; server.asked.length < 3 && performance.now() < end; ) await new Promise((done) => setTimeout(done, 20));
    expect(server.asked).toEqual(['trust', 'export', 'correspond']);
    await view.getByRole('button', { name: 'Save table…' }).click();
    await view.getByText('Saved mine.safetensors.tensors.csv').waitFor();
    expect(server.saved[0]!.text.split('\n')[1]).toMatch(/^cls_token,Online encoder,F32,1x1x48,192/);
    // Another file of the same name, with a NaN in it.
    await writeSafetensors(path, siameseTensors(3, { 'blocks.1.mlp.fc1.weight': (data) => (data[77] = NaN) }));
    utimesSync(path, 1, 1);
    await server.host.lookAgain();
    await view.getByText('The file is no longer the one that was read.').waitFor();
    await view.getByRole('button', { name: 'Read it again' }).click();
    await view.getByRole('button', { name: 'Check all values' }).click();
    await view.getByText('blocks.1.mlp.fc1.weight: 1 NaN of 9,216 values.').waitFor();
    expect(await view.locator('#health').textContent()).toBe('It has problems');
    await view.locator('.health .findings').getByRole('button').last().click();
    await until(view, 'document.querySelector(".detail h3")?.textContent === "blocks.1.mlp.fc1.weight"');
    expect(await view.locator('.detail tr', { hasText: 'NaN' }).locator('td').textContent()).toMatch(/^1 \(/);
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('explains broken files: what is wrong, and the byte where it shows', async () => {
    const framed = (header: string, data = 0, claims?: bigint): Buffer => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(claims ?? BigInt(Buffer.byteLength(header)));
      return Buffer.concat([length, Buffer.from(header), Buffer.alloc(data)]);
    };
    const one = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const whole = readFileSync(join(fixtures, 'reference/mae-0/model.pth'));
    const flipped = Buffer.from(whole);
    flipped[whole.indexOf('data.pkl') + 40]! ^= 0xff;
    const cases: [name: string, bytes: Buffer, message: RegExp, byte: number | null][] = [
      ['cut.safetensors', framed(one, 2), /file was cut short/, 8 + one.length + 2],
      ['huge header.safetensors', framed('{}', 0, 2n ** 60n), /claims 1152921504606846976 bytes/, 0],
      ['overlap.safetensors', framed('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8), /inside another tensor/, null],
      ['grammar.safetensors', framed('{"a":{"dtype":"F32","shape":[1;],"data_offsets":[0,4]}}', 4), /lacks "," or "\]"/, 8 + 30],
      ['twice.safetensors', framed(`{"a":${one.slice(5, -1)},"a":${one.slice(5, -1)}}`, 4), /key "a" twice/, null],
      ['cut.pth', whole.subarray(0, 1000), /cannot be read/, null],
      ['flipped.pth', flipped, /checksum|cannot be read/, null],
      ['opcode.pth', checkpoint(Buffer.from('\x80\x02}z.', 'latin1')), /opcode 0x7a, which no checkpoint needs/, null],
      ['bomb.pth', checkpoint(pickle(`${'('.repeat(20_000)}N`)), /stack deeper than 10000/, null],
      ['lfs.pt', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'), /git lfs pull/, null],
      ['page.pth', Buffer.from('<!DOCTYPE html><script>alert(1)</script>'), /web page/, null],
      ['old.pth', readFileSync(join(fixtures, 'pth/legacy.pth')), /old format/, null],
      ['empty.pt', Buffer.alloc(0), /is empty/, null],
    ];
    for (const [name, bytes, message, byte] of cases) {
      const path = join(root, name);
      writeFileSync(path, bytes);
      const entry = await open(path, { theme: name === 'grammar.safetensors' ? 'light' : 'dark', bypassCSP: name === 'grammar.safetensors' });
      const { page, view, faults } = entry;
      await view.locator('.problem h2').waitFor();
      expect(await view.locator('.message').textContent(), name).toMatch(message);
      if (byte !== null) expect(await view.locator('.problem').textContent(), name).toContain(`it shows at byte ${byte.toLocaleString('en-US')}`);
      if (bytes.length > 0) expect(await view.locator('.bytes tbody tr').count(), name).toBeGreaterThan(0);
      if (name === 'grammar.safetensors') {
        expect(await view.locator('.bytes mark').textContent()).toBe(';'.charCodeAt(0).toString(16));
        await picture(page, 'checkpoint broken');
        await view.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
        expect(await view.evaluate('axe.run().then(({ violations }) => violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}`))')).toEqual([]);
      }
      expect(faults, name).toEqual([]);
      await close(entry);
    }
    // Mended, it is shown without being opened anew.
    const path = join(root, 'cut.safetensors');
    const entry = await open(path);
    await entry.view.locator('.problem h2').waitFor();
    writeFileSync(path, framed(one, 4));
    await entry.view.getByRole('button', { name: 'Read again' }).click();
    await shown(entry.view);
    // The group is drawn at once, what is in it once the host has said.
    await expect.poll(() => labels(entry.view)).toEqual(['Others', 'a']);
    await close(entry);
  });

  it('shows hostile names and pickles without running, following or being moved by anything in them', async () => {
    const base = ['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<svg onload=alert(1)>', '"><iframe src="https://example.com/">', '\'-alert(1)-\'', '</style><link rel=stylesheet href=//example.com/x.css>', '${alert(1)}', 'javascript:alert(1)', '<base href=//example.com>', '<meta http-equiv=refresh content="0;url=//example.com">', '<details open ontoggle=alert(1)>', '__proto__', 'constructor', '\u202egpj.exe', 'a\u0000b\u0007c\u001b[2J', 'x\u2028y', '=cmd|\' /C calc\'!A0', '../../etc/passwd', 'x'.repeat(1_000_000), '.'.repeat(5000)];
    const names = Array.from({ length: 400 }, (_, i) => `${base[i % base.length]}${i < base.length ? '' : ` ${i}`}`);
    const metadata = Object.fromEntries(names.slice(0, 60).map((name, i) => [name.slice(0, 200) || 'x', names[i + 60]!.slice(0, 2000)]));
    const path = join(root, 'hostile <b>\u202ename.safetensors');
    await writeSafetensors(path, names.map((name) => ({ name, dtype: 'F32', shape: [1, 2], data: Float32Array.of(1, NaN) })), metadata);
    const calls = join(root, 'calls.pth');
    writeFileSync(calls, checkpoint(pickle(dict({ model: dict(Object.fromEntries(names.slice(0, 20).map((name) => [name, tensor()]))), b: `${global('os', 'system')}(${text('touch never')}tR`, c: `${global('<img src=x onerror=alert(1)>', 'x')})R` }))));
    for (const file of [path, calls]) {
      const entry = await open(file, { state: { query: '<script>', open: ['other', '<b>'], sections: ['Besides tensors', '<b>'], panel: 1 } });
      const { page, view, faults } = entry;
      await shown(view);
      await view.getByLabel('Search tensors').fill('');
      await until(view, 'document.querySelectorAll(".body .row").length > 10');
      await view.getByRole('button', { name: 'Check all values' }).click();
      await view.getByRole('button', { name: 'Check values again' }).waitFor();
      for (let at = 0; at < 12; at++) {
        await view.evaluate(`document.querySelector('.grid').scrollTop = ${at * 800}`);
        await page.waitForTimeout(30);
      }
      await view.evaluate('document.querySelector(".grid").scrollTop = 0');
      await until(view, 'document.querySelector(".body .row.tensor") !== null && document.querySelector("#row-1") !== null');
      await view.locator('.body .row.tensor').first().click();
      await until(view, 'document.querySelector(".detail h3") !== null');
      // Nothing that a screen would obey, and nothing that is wider than the page.
      const said = await view.evaluate<string>('document.body.textContent');
      expect(/[\u202a-\u202e\u2066-\u2069\u0000-\u0008\u001b]/.test(said)).toBe(false);
      expect(said.length).toBeLessThan(300_000);
      expect(await view.evaluate('document.documentElement.scrollWidth <= innerWidth && document.querySelectorAll("script").length === 2 && document.querySelectorAll("img, iframe, svg, base, object").length === 0')).toBe(true);
      if (file === calls) {
        await view.getByText('Do not load it with pickle or torch.load: that would reach os.system').waitFor();
        await picture(page, 'checkpoint hostile');
      }
      expect(faults).toEqual([]);
      await close(entry);
    }
  });

  it('stays searchable and light with 100,000 tensors', async () => {
    const path = join(root, 'many.safetensors');
    const entries = Array.from({ length: 100_000 }, (_, i) => `"${i % 2 ? `flat_${i}` : `blocks.${Math.floor(i / 200)}.experts.w${i}`}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`);
    const header = Buffer.from(`{${entries.join(',')}}`), length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(path, Buffer.concat([length, header, Buffer.alloc(100_000)]));
    const entry = await open(path);
    const { page, view, faults } = entry;
    await shown(view);
    await view.locator('.legend button').filter({ hasText: 'Others' }).click();
    await until(view, 'document.querySelector(".grid").getAttribute("aria-rowcount") === "50003"');
    await view.locator('.grid').focus();
    await page.keyboard.press('End');
    await until(view, '[...document.querySelectorAll(".body .name")].at(-1)?.textContent === "flat_99999"');
    expect(await view.evaluate('document.querySelectorAll(".row").length')).toBeLessThan(60);
    const times: number[] = [];
    for (const wanted of [77_777, 5, 31_415]) {
      const began = performance.now();
      await view.getByLabel('Search tensors').fill(`flat_${wanted}`);
      await until(view, `document.querySelector('#row-0 .name')?.textContent === 'flat_${wanted}'`);
      times.push(performance.now() - began);
    }
    console.log(`100,000 tensors: found in ${times.map((ms) => ms.toFixed(0)).join(', ')} ms, of which 120 ms wait for the next key`);
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('tells how far it is with what takes long, and stops it', async () => {
    const path = join(root, 'long.safetensors');
    const count = 2 ** 31, header = Buffer.from(`{"a":{"dtype":"F32","shape":[${count}],"data_offsets":[0,${4 * count}]}}`), length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(path, Buffer.concat([length, header]));
    truncateSync(path, 8 + header.length + 4 * count);
    const entry = await open(path);
    const { view, faults } = entry;
    await shown(view);
    await row(view, 'a').click();
    await view.getByRole('button', { name: 'Check all values' }).click();
    await until(view, 'document.querySelector(".health progress")?.value > 0 && document.querySelector(".detail progress")?.value > 0');
    await view.locator('.detail').getByRole('button', { name: 'Stop' }).click();
    await view.locator('.detail').getByText('Stopped.').waitFor();
    await view.locator('.health').getByRole('button', { name: 'Stop' }).click();
    await view.getByRole('button', { name: 'Check all values' }).waitFor();
    expect(faults).toEqual([]);
    await close(entry);
  });

  it('fits a narrow column of the editor', async () => {
    const entry = await open(model, { width: 420, theme: 'light' });
    const { page, view, faults } = entry;
    await shown(view);
    await picture(page, 'checkpoint narrow');
    expect(await view.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(faults).toEqual([]);
    await close(entry);
  });
});
