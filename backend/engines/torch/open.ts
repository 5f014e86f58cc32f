/** Opens libtorch as an engine: loads it, registers its kernels with TensorFlow.js, and makes it current. */
import * as tf from '@tensorflow/tfjs-core';
import { availableParallelism, cpus } from 'node:os';
import { RunError } from '../../errors.ts';
import type { Engine, EngineRequest, Precision } from '../engine.ts';
import { hasBf16, processor } from '../hardware.ts';
import { TorchBackend } from './backend.ts';
import { TorchLibrary, type TorchDevice, type TorchLocation } from './library.ts';
import { attentionKernels } from './kernels/attention.ts';
import { convolutionKernels } from './kernels/convolution.ts';
import { contrastKernels } from './kernels/contrast.ts';
import { elementwiseKernels } from './kernels/elementwise.ts';
import type { TorchKernels } from './kernels/kernel.ts';
import { linearKernels } from './kernels/linear.ts';
import { normKernels } from './kernels/norm.ts';
import { reduceKernels } from './kernels/reduce.ts';
import { shapeKernels } from './kernels/shape.ts';
import { tokenKernels } from './kernels/tokens.ts';

const kernels: TorchKernels = { ...elementwiseKernels, ...shapeKernels, ...reduceKernels, ...linearKernels, ...normKernels, ...attentionKernels, ...convolutionKernels, ...tokenKernels, ...contrastKernels };

/** The library stays loaded for the life of the process: libtorch cannot be loaded twice. */
let loaded: TorchLibrary | null = null;

/** The device that was asked for, or the best there is. Throws RunError where it is not there. */
function chooseDevice(torch: TorchLibrary, wanted: string): TorchDevice {
  const [type = 'auto', index = '0'] = wanted.split(':');
  const usable = (device: TorchDevice): boolean => {
    try {
      torch.release(torch.empty([1], 'float32', device));
      return true;
    } catch {
      return false;
    }
  };
  const candidates: TorchDevice[] =
    type === 'auto'
      ? [...(torch.accelerator ? [{ type: torch.accelerator, index: 0 }] : []), ...(process.platform === 'darwin' ? [{ type: 'mps' as const, index: 0 }] : []), { type: 'cpu', index: 0 }]
      : [{ type: type as TorchDevice['type'], index: Number(index) }];
  const device = candidates.find(usable);
  if (!device) throw new RunError(`the torch ${torch.version} in ${torch.folder} has no usable device "${wanted}": see "siamscope doctor" for what is there, or use --set engine.device=cpu`);
  return device;
}

/**
 * `auto` is decided by the caller. `multipliesBf16` says whether products of bf16 are for the device to do; without it that is so but
 * for a CPU that has no instructions for them.
 */
export async function openTorch(location: TorchLocation, request: EngineRequest & { precision: Precision; multipliesBf16?: boolean }): Promise<Engine> {
  const threads = request.threads ?? availableParallelism();
  if (loaded && loaded.folder !== location.folder) throw new RunError(`libtorch of ${loaded.folder} is loaded already: one process has one libtorch`);
  loaded ??= new TorchLibrary(location, threads);
  const torch = loaded;
  torch.setThreads(threads);
  const device = chooseDevice(torch, request.device ?? 'auto');
  const backend = new TorchBackend(torch, device, request.precision, request.multipliesBf16 ?? (device.type !== 'cpu' || hasBf16('cpu', { processor: processor(), cuda: [] })));
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    if (tf.getKernel(kernelName, 'torch')) tf.unregisterKernel(kernelName, 'torch');
    tf.registerKernel({ kernelName, backendName: 'torch', kernelFunc: ({ inputs, attrs, backend: b }) => kernel(b as TorchBackend, inputs as Record<string, tf.TensorInfo>, attrs ?? {}) });
  }
  if (tf.engine().registryFactory.torch) tf.removeBackend('torch');
  tf.registerBackend('torch', () => backend, 10);
  if (!(await tf.setBackend('torch'))) throw new RunError('TensorFlow.js refused the torch engine');
  return {
    name: 'torch',
    version: torch.version,
    device: device.type === 'cpu' || device.type === 'mps' ? device.type : `${device.type}:${device.index}`,
    deviceName: device.type === 'cpu' ? (cpus()[0]?.model.trim() ?? 'CPU') : device.type,
    precision: request.precision,
    path: torch.folder,
    memory: () => backend.tensorMemory(),
    synchronize: () => backend.synchronize(),
  };
}
