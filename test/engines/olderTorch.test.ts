/** An older libtorch, whose C interface differs, computes the same: ops and parity once more on it, in a process of their own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { installTorch } from '../../backend/engines/torch/install.ts';
import { thisPlatform, type Pins } from '../../backend/engines/runtimes/pins.ts';
import type { Diagnosis } from '../../backend/protocol.ts';
import older from '../fixtures/torch-2.11.json' with { type: 'json' };

const pins: Pins = older;
const root = join(import.meta.dirname, '../..');

test(`ops and parity on torch ${pins.version}`, async () => {
  if (!pins.platforms[thisPlatform()]) return void console.warn(`SKIPPED: torch ${pins.version}: its wheels are pinned for linux-x64 only, this is ${thisPlatform()}`);
  let torch: string;
  try {
    torch = await installTorch({ pins });
  } catch (error) {
    return void console.warn(`SKIPPED: torch ${pins.version}: ${(error as Error).message}`);
  }
  // One process holds one libtorch.
  const env = { ...process.env, SIAMSCOPE_TORCH: torch, SIAMSCOPE_TEST_ENGINES: 'torch', NO_COLOR: '1' };
  const { stdout: diagnosis } = await promisify(execFile)(process.execPath, ['dist/siamscope.mjs', 'doctor', '--json'], { cwd: root, env });
  expect((JSON.parse(diagnosis) as Diagnosis).engines.find(({ name }) => name === 'torch')).toMatchObject({ version: pins.version });
  const { stdout } = await promisify(execFile)(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', 'test/ops', 'test/train/parity.test.ts', 'test/engines/choose.test.ts'], { cwd: root, env, maxBuffer: 1 << 24 });
  expect(stdout).toMatch(/Tests {2}\d+ passed/);
  expect(stdout).not.toMatch(/failed/);
}, 900_000);
