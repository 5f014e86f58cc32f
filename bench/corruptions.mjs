// What each corruption costs an image, in processor time: node bench/corruptions.mjs [--size 224] [--rounds 7] [NAME ...]     (after "npm run build")
// A photograph of the tests, resized; medians of the rounds in milliseconds, levels 1 to 5, as lines of a table.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildSync } from 'esbuild';
import sharp from 'sharp';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { size: { type: 'string', default: '224' }, rounds: { type: 'string', default: '7' } } });
const [size, rounds] = [Number(values.size), Number(values.rounds)];
const root = join(import.meta.dirname, '..');
// Beside the kernels and within reach of sharp.
const bundle = join(root, 'dist', `bench-corruptions-${process.pid}.mjs`);

try {
  buildSync({ stdin: { contents: "export { corrupt } from './augment/corruptions/registry.ts'; export { corruptionNames } from './augment/corruptions/names.ts'; export { Kernels } from './augment/kernels.ts';", resolveDir: join(root, 'backend') }, bundle: true, platform: 'node', format: 'esm', external: ['sharp', '@julusian/jpeg-turbo'], outfile: bundle, logLevel: 'error' });
  const { corrupt, corruptionNames, Kernels } = await import(pathToFileURL(bundle).href);
  const photo = new Uint8Array(await sharp(readFileSync(join(root, 'test/fixtures/photos/flower/00000.jpg'))).resize(size, size, { fit: 'cover' }).removeAlpha().raw().toBuffer());
  const kernels = new Kernels();
  const milliseconds = async (name, level, index) => {
    const before = process.cpuUsage();
    await corrupt(kernels, photo, size, name, level, { seed: 1, index });
    const { user, system } = process.cpuUsage(before);
    kernels.reset();
    return (user + system) / 1000;
  };
  console.log(`| ${size} pixels | 1 | 2 | 3 | 4 | 5 |\n|---|---|---|---|---|---|`);
  for (const name of positionals.length > 0 ? positionals : corruptionNames) {
    const medians = [];
    for (const level of [1, 2, 3, 4, 5]) {
      const taken = [];
      for (let i = -2; i < rounds; i++) {
        const one = await milliseconds(name, level, i + 2);
        // The first ones compile.
        if (i >= 0) taken.push(one);
      }
      medians.push(taken.sort((a, b) => a - b)[rounds >> 1]);
    }
    console.log(`| ${name.replaceAll('_', ' ')} | ${medians.map((median) => median.toFixed(median < 10 ? 1 : 0)).join(' | ')} |`);
  }
} finally {
  rmSync(bundle, { force: true });
}
