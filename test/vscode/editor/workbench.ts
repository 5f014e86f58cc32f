/** Drives an open VS Code as a person would: a page of the server's workbench, its palette, trees, notifications and webviews. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Frame, FrameLocator, Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, expect, inject } from 'vitest';
import { openBrowser } from '../../helpers/browser.ts';
import { startServer, type Server, type ServerOptions } from './server.ts';

export const root = join(import.meta.dirname, '../../..');
/** Pictures for the README are taken only when asked for: SIAMSCOPE_SCREENSHOTS=1. */
const media = join(root, 'media');
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const themes = { dark: 'Default Dark Modern', light: 'Default Light Modern', contrast: 'Default High Contrast' } as const;
export type Theme = keyof typeof themes;
const themeKinds: Record<Theme, string> = { dark: 'vscode-dark', light: 'vscode-light', contrast: 'vscode-high-contrast' };

/** One browser for a test file; a page a window. */
let browser: Promise<Browser> | undefined;
export function testBrowser(): Promise<Browser> {
  browser ??= openBrowser();
  return browser;
}
/** To be called at the top level of a test file that opens windows. */
export function closeBrowserAfterTests(): void {
  afterAll(async () => {
    await (await browser)?.close();
    browser = undefined;
  });
}

/** Opens a server that has the packed extension, with one window on it, for a piece of work, and ends both after it. What explains a failure is printed. */
export async function withEditor(options: Omit<ServerOptions, 'extensions'>, work: (workbench: Workbench) => Promise<void>): Promise<void> {
  const server = await startServer({ ...options, extensions: inject('extensions') });
  let workbench: Workbench | undefined;
  try {
    workbench = await Workbench.open(server);
    await work(workbench);
  } catch (error) {
    console.log(server.logs());
    await workbench?.keepPicture();
    throw error;
  } finally {
    await workbench?.close();
    await server.stop();
  }
}

export class Workbench {
  readonly page: Page;
  readonly server: Server;

  private constructor(page: Page, server: Server) {
    this.page = page;
    this.server = server;
  }

  /** Opens one more window on a server. */
  static async open(server: Server): Promise<Workbench> {
    const page = await (await testBrowser()).newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(30_000);
    const workbench = new Workbench(page, server);
    await page.goto(server.url, { timeout: 60_000 });
    await workbench.ready();
    return workbench;
  }

  /** Waits until the workbench is drawn. Commands of extensions may come a second later: command() asks again. */
  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
    await this.page.locator('.monaco-workbench .part.editor').waitFor({ timeout: 60_000 });
  }

  /** What the window shows, under .cache/vscode-failures. */
  async keepPicture(): Promise<void> {
    const picture = join(root, '.cache/vscode-failures', `${(expect.getState().currentTestName ?? 'test').replaceAll(/\W+/g, '-').slice(0, 100)}.png`);
    mkdirSync(join(picture, '..'), { recursive: true });
    await this.page.screenshot({ path: picture }).then(() => console.log(`the window: ${picture}`), (error: Error) => console.log(`the window cannot be pictured: ${error.message}`));
  }

  /** Runs a command by its title, through the palette. */
  async command(title: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget .quick-input-box input');
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
    for (const deadline = Date.now() + 30_000; ; ) {
      await this.page.keyboard.press('F1');
      await input.waitFor();
      await input.fill(`>${title}`);
      try {
        await row.waitFor({ timeout: 2000 });
        await row.click();
        return;
      } catch (error) {
        await this.page.keyboard.press('Escape');
        if (Date.now() > deadline) throw error;
      }
    }
  }

  /** Titles that the palette offers for a text. */
  async commandsOffered(text: string): Promise<string[]> {
    const input = this.page.locator('.quick-input-widget .quick-input-box input');
    await this.page.keyboard.press('F1');
    await input.fill(`>${text}`);
    const rows = this.page.locator('.quick-input-list .monaco-list-row');
    await rows.first().waitFor();
    const titles = await rows.locator('.label-name').allTextContents();
    await this.page.keyboard.press('Escape');
    return titles;
  }

  /** Opens a file of the workspace by its name. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press('Control+P');
    const input = this.page.locator('.quick-input-widget .quick-input-box input');
    await input.fill(name);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first().click();
    await this.page.locator('.editor-container').getByRole('code').first().waitFor();
  }

  /** Shows a view container of the activity bar. */
  async container(name: string): Promise<void> {
    const tab = this.page.locator('.part.activitybar').getByRole('tab', { name: new RegExp(`^${name}`) });
    if ((await tab.getAttribute('aria-expanded')) !== 'true') await tab.click();
  }

  tree(name: string): Locator {
    return this.page.getByRole('tree', { name });
  }

  /** The notification that holds a text; waits for none. */
  notification(text: string | RegExp): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item').filter({ hasText: text });
  }

  /** The document that an extension put into the nth visible webview: two frames down. */
  webview(nth = 0): FrameLocator {
    return this.outerFrame(nth).contentFrame().locator('iframe#active-frame').contentFrame();
  }

  private outerFrame(nth: number): Locator {
    return this.page.locator('iframe.webview.ready').filter({ visible: true }).nth(nth);
  }

  /** The same as a frame, to evaluate in. */
  async webviewFrame(nth = 0): Promise<Frame> {
    const outer = await (await this.outerFrame(nth).elementHandle())?.contentFrame();
    const inner = await (await outer?.locator('iframe#active-frame').elementHandle())?.contentFrame();
    if (!inner) throw new Error('the webview has gone');
    return inner;
  }

  /** How many points the curves say that they show, of how many. */
  async points(): Promise<{ shown: number; all: number }> {
    const text = await this.webview().getByText(/[\d,.]+ of [\d,.]+ points/).first().textContent({ timeout: 1000 }).catch(() => null);
    const [shown = 0, all = 0] = (text?.match(/[\d,.]+(?= of| points)/g) ?? []).map((part) => Number(part.replaceAll(/\D/g, '')));
    return { shown, all };
  }

  /** A run's row in the tree, by its name and what comes after it. */
  run(name: string, states: string): Locator {
    return this.tree('Runs').getByRole('treeitem', { name: new RegExp(`^Run ${name}, (${states}):`) });
  }

  /** Lets VS Code store what is open: it does when its window loses the focus, which no page of a headless browser does, and not when it is reloaded. */
  async stored(): Promise<void> {
    await this.page.evaluate(async () => {
      const { document } = globalThis as unknown as { document: EventTarget & { hasFocus: () => boolean } };
      document.hasFocus = () => false;
      document.dispatchEvent(new Event('visibilitychange'));
      // Storing goes on after the event.
      await new Promise((done) => setTimeout(done, 1000));
      Reflect.deleteProperty(document, 'hasFocus');
      document.dispatchEvent(new Event('visibilitychange'));
    });
  }

  /** Reloads the window, as after a crash of the browser: without a farewell to the extension host. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  /** Changes the colour theme and waits until a visible webview, if any, has it. */
  async theme(theme: Theme): Promise<void> {
    this.server.setSettings({ 'workbench.colorTheme': themes[theme] });
    const kind = theme === 'contrast' ? 'hc-black' : theme === 'dark' ? 'vs-dark' : 'vs';
    await this.page.locator(`.monaco-workbench.${kind}`).waitFor();
    if (await this.outerFrame(0).count()) await this.webview().locator(`body.${themeKinds[theme]}`).waitFor();
  }

  /** What axe finds in the nth webview: one line a violation and element. */
  async accessibilityViolations(nth = 0): Promise<string[]> {
    const frame = await this.webviewFrame(nth);
    await frame.evaluate(axeSource);
    return frame.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run: () => Promise<{ violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[] }> } };
      const { violations } = await axe.run();
      return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html} ${failureSummary ?? ''}`));
    });
  }

  /** A picture for the README, where asked for: a palette of 256 colours, and small. */
  async picture(name: string): Promise<void> {
    if (!process.env.SIAMSCOPE_SCREENSHOTS) return;
    // Nothing of a person who works: no cursor over a button.
    await this.page.mouse.move(640, 799);
    await this.settled();
    const png = await sharp(await this.page.screenshot()).png({ palette: true, quality: 90, effort: 10, compressionLevel: 9 }).toBuffer();
    expect(png.length, `${name}.png is small enough to ship`).toBeLessThan(150_000);
    writeFileSync(join(media, `${name}.png`), png);
    console.log(`media/${name}.png: ${Math.round(png.length / 1000)} kB`);
  }

  /** Resolves when two pictures in a row are the same or, where a run moves on, after a second and a half. */
  private async settled(): Promise<void> {
    let before = await this.page.screenshot();
    for (const end = Date.now() + 1500; Date.now() < end; ) {
      const now = await this.page.screenshot();
      if (now.equals(before)) return;
      before = now;
    }
  }

  async close(): Promise<void> {
    await this.page.close().catch(() => undefined);
  }
}
