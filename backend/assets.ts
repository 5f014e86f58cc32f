/** Where the built files are: the bundle runs from dist/, tests run from the source tree with dist/ built beside it. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** The path of a built file such as `decode.worker.mjs` or `image.wasm`. Throws where the build has not made it. */
export function builtFile(name: string): string {
  for (const folder of [here, join(here, '../dist')]) if (existsSync(join(folder, name))) return join(folder, name);
  throw new Error(`${name} is not built: run "npm run build" in ${join(here, '..')}`);
}

/** The URL of a worker's bundle, for `new Worker(...)`; `name` without `.worker.mjs`. */
export const workerUrl = (name: string): URL => pathToFileURL(builtFile(`${name}.worker.mjs`));
