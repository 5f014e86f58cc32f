/** A view's page in a browser, and all that it did and should not have done. */
import type { Browser, BrowserContext, Frame, Page } from 'playwright-core';

export interface OpenedPage {
  context: BrowserContext;
  page: Page;
  /** The panel itself, a frame of the page. */
  view: Frame;
  /** Errors, warnings, dialogs, and requests for anything but the view's own files. */
  faults: string[];
}

export interface PageOptions {
  width?: number;
  height?: number;
  bypassCSP?: boolean;
}

/** Opens a view server's address; `bundle` is the view's name among the bundles. */
export async function openPage(browser: Browser, address: string, bundle: string, { width = 1280, height = 900, bypassCSP = false }: PageOptions): Promise<OpenedPage> {
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce', bypassCSP });
  const page = await context.newPage();
  const faults: string[] = [];
  const own = new URL(address).origin, allowed = new RegExp(String.raw`^/($|\?|view|bundles/${bundle}\.(js|css)$|message$|notices$|favicon)`);
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) faults.push(message.text()); });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('dialog', (dialog) => { faults.push(`dialog ${dialog.message()}`); void dialog.dismiss(); });
  page.on('request', (request) => { if (!request.url().startsWith(own) || !allowed.test(request.url().slice(own.length))) faults.push(`request ${request.url()}`); });
  await page.goto(address);
  return { context, page, view: page.frame('view')!, faults };
}
