/** Bundles a source file so that a test can run it in a process of its own, and kill it. */
import { build } from 'esbuild';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Writes `<folder>/<name>.mjs` from TypeScript code that may import from the project as '#/backend/...'. */
export async function bundleProgram(folder: string, name: string, code: string): Promise<string> {
  const source = join(folder, `${name}.ts`), program = join(folder, `${name}.mjs`);
  await writeFile(source, code.replaceAll("'#/", `'${root}/`));
  await build({ entryPoints: [source], outfile: program, bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'error', nodePaths: [join(root, 'node_modules')], external: ['koffi'], banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" } });
  return program;
}
