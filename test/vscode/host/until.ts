/** Waits for what the editor reports a little later. */
export async function until<T>(what: string, get: () => T | undefined | false | Promise<T | undefined | false>, timeout = 15_000): Promise<T> {
  for (const end = Date.now() + timeout; ; await new Promise((done) => setTimeout(done, 25))) {
    const value = await get();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited ${timeout / 1000} s in vain: ${what}`);
  }
}
