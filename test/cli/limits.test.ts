/** Runs at the edge of the machine: memory that ends, and the lower precision resumed to the bit. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/temporary.ts';
import { photos, rowsOf, run, start, statusOf } from './command.ts';

const folder = temporaryFolder();
const file = join(folder, 'tiny.siam.json');

beforeAll(async () => {
  expect((await run(['init', file, '--data', photos])).code).toBe(0);
});

test('memory that ends: one message with what to do, what was computed saved, and the next run starts', { timeout: 300_000 }, async () => {
  if (process.platform !== 'linux') return void console.warn('SKIPPED: a process with little memory: only Linux lets a test set that limit');
  const path = join(folder, 'large'), list = join(folder, 'many.txt');
  // Many images and wide layers, whose activations fill the memory whichever way attention is computed.
  const names = readdirSync(photos, { recursive: true, encoding: 'utf8' }).map((name) => join(photos, name)).filter((name) => statSync(name).isFile());
  writeFileSync(list, Array.from({ length: 1024 }, (_, i) => names[i % names.length]).join('\n'));
  const settings = [`data.train=${list}`, 'data.workers=1', 'model.width=384', 'model.heads=6', 'model.depth=12', 'batch.size=1024'].flatMap((set) => ['--set', set]);
  // Node reserves ten gigabytes of addresses for a WebAssembly memory unless it is told to check bounds itself, and pages that are filled first cost a minute.
  const checked = '--disable-wasm-trap-handler';
  const limited = ['bash', '-c', process.allowedNodeEnvironmentFlags.has(checked) ? `ulimit -v 5000000; NODE_OPTIONS=${checked} exec "$@"` : 'ulimit -v 15000000; exec "$@"', 'limited'];
  const { code, stdout, stderr } = await run(['train', file, '--run', path, '--engine', 'torch', '--device', 'cpu', '--precision', 'fp32', ...settings], { wrap: limited });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/error: step 1: out of memory in \w+ \(\d+ MB more were asked for\): halve batch\.size to 512 and double batch\.accumulate to 2, or set engine\.precision=bf16, or use a smaller model than vit_nano at 64 pixels\n$/);
  expect(statusOf(path)).toMatchObject({ state: 'failed', error: { step: 0, files: { length: 1024 } } });
  expect(await run(['train', file, '--run', join(folder, 'next'), '--set', 'schedule.steps=2', '--set', 'schedule.warmupSteps=1'], { wrap: limited })).toMatchObject({ code: 0 });
});

test('bf16 resumes to the bit as well', async () => {
  const settings = ['--json', '--precision', 'bf16', ...['schedule.steps=12', 'model.imageSize=32', 'batch.size=8', 'data.workers=1', 'engine.threads=1'].flatMap((set) => ['--set', set])];
  const whole = join(folder, 'whole'), parts = join(folder, 'parts');
  const first = await run(['train', file, '--run', whole, ...settings]);
  if (/no bf16|cannot.*bf16/.test(first.stderr)) return void console.warn(`SKIPPED: bf16 on this machine: ${first.stderr.trim()}`);
  expect(first.code).toBe(0);
  const broken = start(['train', file, '--run', parts, ...settings]);
  await broken.until((event) => event.kind === 'step' && event.row.step === 5);
  broken.child.kill('SIGTERM');
  expect((await broken.result).code).toBe(1);
  expect(await run(['train', file, '--run', parts, '--resume', ...settings])).toMatchObject({ code: 0 });
  const essence = (path: string): unknown[] => rowsOf(path).map(({ step, loss, grad_norm, feature_std }) => ({ step, loss, grad_norm, feature_std }));
  expect(essence(parts)).toEqual(essence(whole));
  const model = (path: string): Buffer => readFileSync(join(path, 'checkpoints/12/model.safetensors'));
  expect(existsSync(join(parts, 'checkpoints/12'))).toBe(true);
  expect(model(parts).equals(model(whole))).toBe(true);
});
