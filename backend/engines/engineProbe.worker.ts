/**
 * Opens one engine and times its matrix product, in a process of its own (forked with the request as its argument), so that an
 * engine that crashes takes nothing else with it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { openEngine } from './choose.ts';
import type { EngineRequest } from './engine.ts';

/** What the process sends back. */
export type EngineProbe = { ok: true; version: string; device: string; deviceName: string; path: string | null; precision: 'fp32' | 'bf16'; gflops: number } | { ok: false; reason: string };

const size = 1024, smallSize = 256;
const measuredMs = 300;

/** Billions of floating-point operations a second of a square matrix product, after one to warm up. */
function matmulGflops(synchronize: () => void, n: number): number {
  const a = tf.randomUniform([n, n], -1, 1, 'float32', 1);
  const product = (): void => tf.matMul(a, a).dispose();
  product();
  synchronize();
  const started = performance.now();
  let count = 0;
  while (performance.now() - started < measuredMs) {
    product();
    synchronize();
    count++;
  }
  const seconds = (performance.now() - started) / 1000;
  a.dispose();
  return (2 * n ** 3 * count) / seconds / 1e9;
}

async function probe(request: EngineRequest): Promise<EngineProbe> {
  try {
    const engine = await openEngine(request, { say: () => undefined });
    const { version, device, deviceName, path, precision } = engine;
    return { ok: true, version, device, deviceName, path, precision, gflops: matmulGflops(() => engine.synchronize(), engine.name === 'wasm' ? smallSize : size) };
  } catch (error) {
    return { ok: false, reason: (error as Error).message };
  }
}

const answer = await probe(JSON.parse(process.argv[2] ?? '{}') as EngineRequest);
process.send?.(answer, () => process.exit(0));
