/** The package as a user gets it: its size, what is in it, and that its backend runs from it with its native parts. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { openPromise } from 'yauzl';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import sharp from 'sharp';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const fixtures = join(import.meta.dirname, '../fixtures/photos');

describe('the package', () => {
  const vsix = inject('vsix');
  const names: string[] = [];
  const extension = join(folder, 'extension');

  beforeAll(async () => {
    const archive = await openPromise(vsix);
    for await (const entry of archive.eachEntry()) {
      names.push(entry.fileName);
      if (entry.fileName.endsWith('/')) continue;
      const chunks: Buffer[] = [];
      for await (const chunk of await archive.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
      mkdirSync(dirname(join(folder, entry.fileName)), { recursive: true });
      writeFileSync(join(folder, entry.fileName), Buffer.concat(chunks));
    }
  });

  const siamscope = (...args: string[]) => promisify(execFile)(process.execPath, [join(extension, 'dist/siamscope.mjs'), ...args], { cwd: folder, env: { ...process.env, NODE_PATH: '' }, maxBuffer: 2 ** 26 });

  it('is under 25 MB, and names its platform', () => {
    expect(statSync(vsix).size).toBeLessThan(25e6);
    expect(readFileSync(join(folder, 'extension.vsixmanifest'), 'utf8')).toContain(`TargetPlatform="${process.platform}-${process.arch}"`);
  });

  it('holds bundles, media and the native parts of one platform; no sources, source maps, tests or engine', () => {
    expect(names).toEqual(expect.arrayContaining(['extension/dist/extension.cjs', 'extension/dist/study.cjs', 'extension/dist/siamscope.mjs', 'extension/dist/train.worker.mjs', 'extension/dist/siam-run.schema.json', 'extension/media/icon.png', 'extension/LICENSE.txt']));
    expect(names.filter((name) => /\.map$|(?<!\.d)\.ts$|\.test\.|^extension\/(test|backend|extension|webviews|bench|scripts)\/|libtorch|libtensorflow/.test(name.replace(/dist\/node_modules\/.*\/(lib|dist)\//, '')))).toEqual([]);
    const binaries = names.filter((name) => /\.(node|dylib|dll)$|\.so(\.|$)/.test(name)).map((name) => name.split('/dist/node_modules/')[1] ?? name);
    const platform = `${process.platform}-${process.arch}`;
    for (const part of [`@koromix/koffi-${platform}/`, `@img/sharp-${platform}/`, `jpeg-turbo-${platform}/`]) expect(binaries.some((name) => name.includes(part)), part).toBe(true);
    for (const name of binaries) expect(name).toMatch(new RegExp(`${process.platform}-${process.arch}[/-]`));
    expect(names.every((name) => !/musl/.test(name))).toBe(true);
  });

  it('runs its backend: the doctor answers', async () => {
    const { stdout } = await siamscope('doctor', '--json');
    const diagnosis = JSON.parse(stdout);
    expect(diagnosis.platform).toContain(process.arch);
    expect(diagnosis.engines.find((engine: { name: string }) => engine.name === 'wasm').status).toBe('ready');
  });

  it('decodes a JPEG and a WebP and trains on them, with its own native parts', async () => {
    const photos = join(folder, 'photos');
    await cp(fixtures, photos, { recursive: true });
    const [jpeg] = (await readdir(photos, { recursive: true })).filter((name) => name.endsWith('.jpg'));
    await sharp(join(photos, jpeg!)).webp().toFile(join(photos, 'one.webp'));
    const runFile = join(folder, 'packed.siam.json');
    await siamscope('init', runFile, '--preset', 'tiny', '--data', photos);
    writeFileSync(runFile, JSON.stringify({ ...JSON.parse(readFileSync(runFile, 'utf8')), schedule: { steps: 3, warmupSteps: 1 } }));
    const { stdout, stderr } = await siamscope('train', runFile, '--engine', 'wasm', '--now');
    const [run] = readdirSync(join(folder, 'runs'));
    const status = JSON.parse(readFileSync(join(folder, 'runs', run!, 'status.json'), 'utf8'));
    expect(status, `${stdout}${stderr}`).toMatchObject({ state: 'done', step: 3, images: 41, skipped: 0 });
  });
});
