// The full count of hostile tensor files, before a release: node bench/fuzzFormats.mjs [--seed N] [--scale F]
// 10^7 safetensors headers, 10^6 pickles, 10^5 whole checkpoints at scale 1; exits with 1 on the first that is neither opened nor refused.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, scale: { type: 'string', default: '1' } } });
const [seed, scale] = [Number(values.seed), Number(values.scale)];
const folder = mkdtempSync(join(tmpdir(), 'siamscope-fuzz-'));
const bundle = join(folder, 'mutants.mjs');
await build({ entryPoints: [join(root, 'test/formats/mutants.ts')], outfile: bundle, bundle: true, platform: 'node', format: 'esm', logLevel: 'error', banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' } });
const { fuzzHeaders, fuzzPickles, fuzzFiles, pickleOf } = await import(pathToFileURL(bundle).href);

const fixture = (name) => readFileSync(join(root, 'test/fixtures/pth', name));
const pickles = ['views.pth', 'training.pth', 'protocol5.pth', 'module.pth'].map((name) => pickleOf(fixture(name)));
const files = ['views.pth', 'types.pth', 'training.pth', 'protocol5.pth', 'deflated.pth', 'nochecksum.pth'].map(fixture);

try {
  for (const [name, full, run] of [
    ['safetensors headers', 1e7, (count) => fuzzHeaders(seed, 0, count)],
    ['pickles', 1e6, (count) => fuzzPickles(pickles, seed, 0, count)],
    ['whole checkpoints', 1e5, (count) => fuzzFiles(files, join(folder, 'mutant.pth'), seed, 0, count)],
  ]) {
    const begin = performance.now();
    const { opened, refused, slowest, messages } = await run(Math.round(full * scale));
    console.log(`${opened + refused} ${name}: ${opened} opened, ${refused} refused with ${messages.size} kinds of message, slowest ${slowest.toFixed(0)} ms, ${((performance.now() - begin) / 1000).toFixed(0)} s in all`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
