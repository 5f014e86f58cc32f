/** Opens TensorFlow (@tensorflow/tfjs-node or -gpu) as an engine. It computes in fp32: TensorFlow.js knows no bf16. */
import * as tf from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';
import { RunError } from '../../errors.ts';
import type { Engine, EngineRequest } from '../engine.ts';
import { setNativeEnvironment } from '../nativeEnvironment.ts';
import { tfjsVersion, type FoundTensorflow } from './find.ts';

/** What we read of the package's backend. */
interface NodeBackend {
  binding: { TF_Version: string };
  isUsingGpuDevice: boolean;
}

/** The folder that was loaded: a native library is loaded once in a process. */
let loaded: string | null = null;

function load(folder: string, threads: number): void {
  setNativeEnvironment('TF_CPP_MIN_LOG_LEVEL', '2'); // its greetings
  setNativeEnvironment('TF_NUM_INTRAOP_THREADS', String(threads));
  setNativeEnvironment('TF_NUM_INTEROP_THREADS', '1'); // operators come one after the other
  // The package still calls these, which Node 23 removed.
  Object.assign(util, { isNullOrUndefined: (x: unknown) => x == null, isArray: Array.isArray });
  // It brings its own copy of tfjs-core; all copies share one engine and one registry of kernels, if they are of one version.
  tf.env().set('PROD', true); // no warnings that kernels and gradients are registered twice
  const { version_core: theirs } = createRequire(join(folder, 'package.json'))(folder) as { version_core: string };
  if (!theirs.startsWith(`${tfjsVersion}.`)) throw new RunError(`the TensorFlow engine in ${folder} brings TensorFlow.js ${theirs}: ${tfjsVersion} is needed`);
}

/** Registers the engine and makes it current. Threads hold for the first call in a process. */
export async function openTensorflow(found: FoundTensorflow, request: EngineRequest): Promise<Engine> {
  if (loaded !== null && loaded !== found.folder) throw new RunError(`the TensorFlow of ${loaded} is loaded already: one process has one`);
  try {
    if (loaded === null) load(found.folder, request.threads ?? availableParallelism());
  } catch (error) {
    throw error instanceof RunError ? error : new RunError(`the TensorFlow engine in ${found.folder} cannot be loaded: ${(error as Error).message.split('\n')[0]}. Build it again with "siamscope engine install tensorflow", or use --engine torch`);
  }
  loaded = found.folder;
  if (!(await tf.setBackend('tensorflow'))) throw new RunError(`TensorFlow.js refused the TensorFlow engine in ${found.folder}`);
  const backend = tf.backend() as unknown as NodeBackend;
  let peakBytes = 0;
  return {
    name: 'tensorflow',
    version: backend.binding.TF_Version,
    device: backend.isUsingGpuDevice ? 'cuda:0' : 'cpu',
    deviceName: backend.isUsingGpuDevice ? 'GPU' : (cpus()[0]?.model.trim() ?? 'CPU'),
    precision: 'fp32',
    path: found.folder,
    memory: () => {
      const bytes = tf.memory().numBytes;
      peakBytes = Math.max(peakBytes, bytes);
      return { bytes, peakBytes };
    },
    synchronize: () => undefined, // its eager operators have ended when they return
  };
}
