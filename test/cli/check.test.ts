/** `siamscope train FILE --check`: what is wrong, key by key, and what would be trained; nothing is trained and nothing is left behind. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunCheck } from '../../backend/protocol.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { photos, start } from './command.ts';

const folder = temporaryFolder();
const file = join(folder, 'check.siam.json');

async function check(run: object): Promise<RunCheck & { code: number | null }> {
  writeFileSync(file, JSON.stringify(run));
  const { code, stdout, stderr } = await start(['train', file, '--check', '--json']).result;
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as RunCheck), code };
}

const good = { preset: 'tiny', name: 'checked', data: { train: photos } };

test('a good file: images, classes and steps, and no run folder', async () => {
  const { code, problems, run } = await check({ ...good, schedule: { epochs: 2 }, batch: { size: 4, accumulate: 2 } });
  expect(problems).toEqual([]);
  expect(run).toMatchObject({ name: 'checked', folder: join(folder, 'runs/checked'), method: 'siamese', arch: 'vit_nano', imagesPerStep: 8 });
  expect(run!.images).toBeGreaterThan(0);
  expect(run!.steps).toBe(Math.max(1, Math.round((2 * Math.max(1, Math.floor(run!.images / 4))) / 2)));
  expect(code).toBe(0);
  expect(existsSync(join(folder, 'runs'))).toBe(false);
});

test('what is wrong is said at its key', async () => {
  const at = async (run: object) => {
    const { code, problems, run: would } = await check({ ...good, ...run });
    expect(code).toBe(2);
    expect(would).toBeNull();
    return problems.map(({ path, message, inSchema }) => `${path.join('.')}|${inSchema}|${message}`);
  };
  expect(await at({ data: { train: 'nowhere', test: 'nor-here' } })).toEqual([
    expect.stringMatching(/^data\.train\|false\|the dataset .*nowhere does not exist/),
    expect.stringMatching(/^data\.test\|false\|the dataset .*nor-here does not exist/),
  ]);
  expect(await at({ model: { imageSize: 100, patchSize: 16 } })).toEqual([expect.stringMatching(/^model\.imageSize\|false\|model\.imageSize 100 is not a multiple/)]);
  expect(await at({ method: { target: 'pixel' } })).toEqual([expect.stringMatching(/^method\.target\|false\|method\.target "pixel" needs method\.loss "l2"/)]);
  expect(await at({ preset: 'tinny' })).toEqual([expect.stringMatching(/^preset\|true\|there is no preset "tinny" - did you mean "tiny"\?/)]);
  expect(await at({ schedule: { steps: 5, epochs: 2 } })).toEqual([expect.stringMatching(/^schedule\.epochs\|false\|.*exclude each other/)]);
  expect(await at({ batch: { sise: 4 } })).toEqual(['batch.sise|true|there is no key "sise" here: did you mean "size"?']);
  expect(await at({ batch: { sise: 4 }, data: { train: 'nowhere' } })).toEqual([expect.stringMatching(/^batch\.sise\|true/), expect.stringMatching(/^data\.train\|false\|.*does not exist/)]);
  const crop = { scale: [0.3, 1], ratio: [0.75, 1.33], interpolation: 'bilinear' }, view = (name: string, size: number, over: object = {}) => ({ name, size, crop, ops: [], mask: null, ...over });
  expect(await at({ method: { name: 'msn', focalSize: 32 }, augment: [view('target', 64), view('anchor', 64, { count: 1, mask: { kind: 'random', count: 4 } }), view('focal', 32, { count: 10 })] })).toEqual([expect.stringMatching(/^augment\.1\.mask\|false\|augment\.1\.mask hides patches of view anchor, and method msn looks at all of them: set it to null; method\.patchDrop/)]);
  expect(await at({ name: 'con' })).toEqual([expect.stringMatching(/^name\|false\|expected a name that every system allows/)]);
});
