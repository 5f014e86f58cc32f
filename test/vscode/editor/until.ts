/** Waits for a condition that is no element of a page; throws naming it. Returns the milliseconds that it took. */
export async function until(what: string, check: () => boolean | Promise<boolean>, timeout = 30_000): Promise<number> {
  const begun = performance.now();
  for (;;) {
    if (await check()) return performance.now() - begun;
    if (performance.now() - begun > timeout) throw new Error(`waited ${timeout / 1000} s in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}
