/** The augmentation lab's page in a browser, for tests: a run file over drawn pictures, the page under its real policy, and waiting for what it draws. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Frame, Page } from 'playwright-core';
import sharp from 'sharp';
import { renderImage } from '../../backend/data/generator/index.ts';
import type { AugmentationCalls } from '../../backend/protocol.ts';
import type { ViewBackend } from '../../extension/viewBackend.ts';
import { openBrowser } from '../helpers/browser.ts';
import { LabServer, startBackend, type LabServerOptions } from './labServer.ts';
import { openPage, type OpenedPage } from './openedPage.ts';
import type { ThemeName } from './themes.ts';

export const [imageWidth, imageHeight] = [400, 300];

export interface Opened extends OpenedPage {
  server: LabServer;
}

/** `over` takes the place of what a run file of SiameseIM on a small model has. */
export function writeRun(folder: string, name: string, over: object = {}): string {
  const file = join(folder, `${name}.siam.json`);
  writeFileSync(file, `${JSON.stringify({ name, seed: 3, data: { train: 'images' }, model: { arch: 'vit_small' }, schedule: { epochs: 10 }, ...over }, null, 2)}\n`);
  return file;
}

/** Twelve drawn pictures of four classes in `folder`/images. */
export async function writeImages(folder: string): Promise<void> {
  const classes = ['boat', 'fish', 'flower', 'mug'];
  for (let i = 0; i < 12; i++) {
    const className = classes[i % 4]!, into = join(folder, 'images', className);
    mkdirSync(into, { recursive: true });
    const pixels = renderImage({ seed: 11, className, split: 'train', index: i }, imageWidth);
    await sharp(pixels, { raw: { width: imageWidth, height: imageWidth, channels: 3 } }).extract({ left: 0, top: 60, width: imageWidth, height: imageHeight }).jpeg({ quality: 92 }).toFile(join(into, `${i}.jpg`));
  }
}

/** Playwright's own waiting evaluates text inside the page, which its policy refuses. */
export async function until(view: Frame | Page, expression: string): Promise<void> {
  for (const end = performance.now() + 20_000; !(await view.evaluate(expression)); ) {
    if (performance.now() > end) throw new Error(`never came true: ${expression}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

export const count = (view: Frame): Promise<number> => view.evaluate<number>('performance.getEntriesByName("lab-shown").length');
export const shown = (view: Frame, more = 0): Promise<void> => until(view, `performance.getEntriesByName("lab-shown").length > ${more}`);

/** Does something, and waits until a sample was drawn after it. */
export async function drawn(view: Frame, action: () => Promise<unknown>): Promise<void> {
  const before = await count(view);
  await action();
  await shown(view, before);
}

export const close = async ({ context, server }: Opened): Promise<void> => {
  await context.close();
  await server.close();
};

export interface OpenOptions extends LabServerOptions {
  theme?: ThemeName;
  width?: number;
  height?: number;
  bypassCSP?: boolean;
}

/** A browser and a process that draws, for a file of tests. */
export class LabPages {
  private readonly browser: Browser;
  private readonly backend: ViewBackend<AugmentationCalls>;
  private readonly opened: Opened[] = [];

  private constructor(browser: Browser) {
    this.browser = browser;
    this.backend = startBackend();
  }

  static async start(): Promise<LabPages> {
    return new LabPages(await openBrowser());
  }

  async open(options: OpenOptions): Promise<Opened> {
    const server = await LabServer.start(this.backend, options);
    const entry = { server, ...(await openPage(this.browser, server.view.address(options.theme ?? 'dark'), 'augmentation', options)) };
    this.opened.push(entry);
    return entry;
  }

  async end(): Promise<void> {
    for (const { server } of this.opened) await server.close().catch(() => undefined);
    this.backend.end();
    await this.browser.close();
  }
}
