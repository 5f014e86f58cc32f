/** TensorFlow.js's WebAssembly engine: works everywhere with nothing installed, on one core with SIMD, and is slow. */
import * as tf from '@tensorflow/tfjs-core';
import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { builtFile } from '../assets.ts';
import { RunError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { registerWasmKernels } from './wasmKernels.ts';

/**
 * Registers the engine and makes it current. It computes in fp32 on one core: TensorFlow.js does not start its threaded build
 * in Node (tensorflow/tfjs#3830).
 */
export async function openWasm(): Promise<Engine> {
  const folder = dirname(builtFile('tfjs-backend-wasm-simd.wasm'));
  setWasmPaths(join(folder, '/'));
  if (!(await tf.setBackend('wasm'))) throw new RunError(`the WebAssembly engine in ${folder} could not be started: run "npm run build" again`);
  registerWasmKernels();
  let peakBytes = 0;
  return {
    name: 'wasm',
    version: version_wasm,
    device: 'cpu',
    deviceName: cpus()[0]?.model.trim() ?? 'CPU',
    precision: 'fp32',
    path: folder,
    memory: () => {
      const bytes = tf.memory().numBytes;
      peakBytes = Math.max(peakBytes, bytes);
      return { bytes, peakBytes };
    },
    synchronize: () => undefined,
  };
}
