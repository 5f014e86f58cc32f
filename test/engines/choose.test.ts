/** Opens each engine for real, and checks what is said where one cannot be had. */
import * as tf from '@tensorflow/tfjs-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../../backend/engines/choose.ts';
import { hasBf16, processor } from '../../backend/engines/hardware.ts';
import { InputError } from '../../backend/errors.ts';
import { testEngines, testTorchPath } from '../helpers/engines.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'choose-'));
});
afterAll(() => rm(root, { recursive: true }));
/** A machine with nothing installed. */
const bare = (): NodeJS.ProcessEnv => ({ PATH: join(root, 'none'), HOME: root, XDG_CACHE_HOME: root });

for (const { name, precision, open } of await testEngines())
  describe(`${name} ${precision}`, () => {
    test('opens, is current, says what it is, and multiplies', async () => {
      const engine = await open();
      expect(engine).toMatchObject({ name, precision, device: 'cpu' });
      expect(engine.version).toMatch(/^\d+\.\d+\.\d+/);
      expect(engine.deviceName.length).toBeGreaterThan(2);
      expect(tf.getBackend()).toBe(name);
      const before = engine.memory()?.bytes;
      const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), b = tf.tensor2d([1, 0, 0, 1, 1, 1], [3, 2]);
      const product = tf.matMul(a, b);
      expect([...(await product.data())]).toEqual([4, 5, 10, 11]);
      if (before !== undefined) expect(engine.memory()!.bytes).toBeGreaterThan(before);
      engine.synchronize();
      tf.dispose([a, b, product]);
      if (before !== undefined) expect(engine.memory()!.bytes).toBe(before);
    });
  });

test('auto without anything installed takes wasm, and says why and that it is slow', async () => {
  const said: string[] = [];
  const engine = await openEngine({}, { env: bare(), say: (line) => said.push(line) });
  expect(engine.name).toBe('wasm');
  expect(said[0]).toBe('passed over: torch: no libtorch was found');
  expect(said[1]).toBe('passed over: tensorflow: no @tensorflow/tfjs-node was found');
  expect(said[2]).toMatch(/wasm engine is slow.*siamscope engine install torch/);
  expect(said).toHaveLength(3);
});

test('auto takes torch, in bf16 where the processor has it', async () => {
  const said: string[] = [];
  const engine = await openEngine({ torchPath: await testTorchPath(), device: 'cpu' }, { say: (line) => said.push(line) });
  expect(engine).toMatchObject({ name: 'torch', precision: hasBf16('cpu', { processor: processor(), cuda: [] }) ? 'bf16' : 'fp32' });
  expect(said).toEqual([]);
});

const impossible: Record<string, { request: Parameters<typeof openEngine>[0]; message: RegExp }> = {
  'torch that is not there': { request: { engine: 'torch' }, message: /the torch engine cannot be used here: no libtorch was found\. To have it, .*siamscope engine install torch.*pip install torch.*--torch PATH/ },
  'a torch path that is wrong, though wasm would do': { request: { torchPath: '/nonexistent' }, message: /there is no .*torch_cpu.* in \/nonexistent.*To have torch/ },
  'tensorflow that is not there': { request: { engine: 'tensorflow' }, message: /no @tensorflow\/tfjs-node was found\. To have it, .*siamscope engine install tensorflow/ },
  'bf16 on tensorflow': { request: { engine: 'tensorflow', precision: 'bf16' }, message: /^the tensorflow engine computes in fp32 only: use the torch engine for bf16/ },
  'bf16 on wasm': { request: { engine: 'wasm', precision: 'bf16' }, message: /^the wasm engine computes in fp32 only/ },
  'a GPU on wasm': { request: { engine: 'wasm', device: 'cuda' }, message: /^the wasm engine computes on the CPU only, not on "cuda"/ },
  'bf16 where there is no torch': { request: { precision: 'bf16' }, message: /^no engine here can do what was asked for\. torch: no libtorch was found\. tensorflow: .*fp32 only.*wasm: .*fp32 only/ },
};
test.each(Object.entries(impossible))('refuses %s with what to do', async (_, { request, message }) => {
  const failure = (await openEngine(request, { env: bare(), say: () => undefined }).catch((error: unknown) => error)) as Error;
  expect(failure).toBeInstanceOf(InputError);
  expect(failure.message).toMatch(message);
});

test('bf16 is taken from the hardware', () => {
  const machine = (flags: string[], major: number): Parameters<typeof hasBf16>[1] => ({ processor: { model: '', cores: 1, flags }, cuda: [{ name: 'GPU', capability: [major, 0], bytes: 0 }] });
  expect(hasBf16('cpu', machine(['avx512f'], 9))).toBe(false);
  expect(hasBf16('cpu', machine(['avx512_bf16'], 7))).toBe(true);
  expect(hasBf16('cpu', machine(['amx_bf16'], 7))).toBe(true);
  expect(hasBf16('cuda:0', machine([], 8))).toBe(true);
  expect(hasBf16('cuda', machine([], 7))).toBe(false);
  expect(hasBf16('cuda:1', machine([], 9))).toBe(false);
  expect(hasBf16('mps', machine(['bf16'], 9))).toBe(false);
});
