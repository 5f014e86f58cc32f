/** Makes sure that a native engine is here before work that wants one: installs our own libtorch once, where it can. */
import { installEngine, listEngines } from './engines/manage.ts';

/** Says what it does. Rejects only when it is stopped: without a native engine the slow one is there, and choosing it says so. */
export async function ensureEngine({ signal, say }: { signal: AbortSignal; say: (line: string) => void }): Promise<void> {
  const engines = await listEngines();
  if (engines.some(({ path }) => path !== null)) return;
  say('no libtorch is here: installing one for SiamScope, once, with this machine\'s Python package client');
  let last = '';
  try {
    await installEngine('torch', {
      signal,
      onProgress: ({ message }) => {
        if (message !== last) say(`  ${message}`);
        last = message;
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    say(`libtorch could not be installed: ${(error as Error).message}`);
  }
}
