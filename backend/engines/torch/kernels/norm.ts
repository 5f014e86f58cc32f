/** Norms and GELU by ATen's fused kernels, forward and backward. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { TorchBackend } from '../backend.ts';
import type { Handle } from '../library.ts';
import { sizeOf, type TorchKernel, type TorchKernels } from './kernel.ts';

const optional = (b: TorchBackend, info: TensorInfo | undefined): Handle => (info ? b.torch.some(b.torch.ref(b.handle(info))) : 0);

/** What follows a norm is a matrix product, so its result is held in the compute dtype at once. */
function normalized(b: TorchBackend, handle: Handle, shape: number[]): TensorInfo {
  return b.adopt(b.into(handle, b.computeDtype), shape, 'float32');
}

/** The gradient in the dtype of the input, as ATen's backward kernels want it. */
const gradientLike = (b: TorchBackend, dy: TensorInfo, x: TensorInfo): Handle => b.as(b.handle(dy), b.storage(x));

const layerNorm = (low: boolean): TorchKernel => (b, { x, scale, offset }, { eps }) => {
  const { torch } = b;
  const width = x!.shape.at(-1)!;
  const y = torch.call('native_layer_norm', '', torch.ref(b.handle(x!)), torch.list([width]), optional(b, scale), optional(b, offset), torch.float(eps as number));
  const mean = torch.result(1), rstd = torch.result(2);
  const statistics = [...x!.shape.slice(0, -1), 1];
  return [low ? normalized(b, y, x!.shape) : b.adopt(y, x!.shape, 'float32'), b.adopt(mean, statistics, 'float32'), b.adopt(rstd, statistics, 'float32')];
};

/** As [rows, last axis], which batch norm takes without moving anything. */
const rows = (b: TorchBackend, handle: Handle, shape: number[]): Handle => b.torch.call('reshape', '', handle, b.torch.list([sizeOf(shape.slice(0, -1)), shape.at(-1)!]));

export const normKernels: TorchKernels = {
  LayerNorm: layerNorm(true),
  PlainLayerNorm: layerNorm(false), // targets and statistics: full precision
  LayerNormGradient: (b, { dy, x, mean, rstd, scale }) => {
    const { torch } = b;
    const width = x!.shape.at(-1)!;
    const has = scale ? 1 : 0;
    const offset = has ? torch.some(torch.ref(b.handle(scale!))) : 0; // only its presence counts
    const dx = torch.call('native_layer_norm_backward', '', gradientLike(b, dy!, x!), torch.ref(b.handle(x!)), torch.list([width]), torch.ref(b.handle(mean!)), torch.ref(b.handle(rstd!)), optional(b, scale), offset, torch.list([1, has, has]));
    const dscale = torch.result(1), doffset = torch.result(2);
    const results = [b.adopt(dx, x!.shape, 'float32')];
    if (has) results.push(b.adopt(dscale, [width], 'float32'), b.adopt(doffset, [width], 'float32'));
    return results;
  },
  BatchNorm: (b, { x, scale, offset }, { eps }) => {
    const { torch } = b;
    const width = x!.shape.at(-1)!;
    const y = torch.call('native_batch_norm', '', rows(b, torch.ref(b.handle(x!)), x!.shape), optional(b, scale), optional(b, offset), 0, 0, 1, torch.float(0), torch.float(eps as number));
    const mean = torch.result(1), rstd = torch.result(2);
    const whole = torch.call('reshape', '', y, torch.list(x!.shape));
    return [normalized(b, whole, x!.shape), b.adopt(mean, [width], 'float32'), b.adopt(rstd, [width], 'float32')];
  },
  BatchNormGradient: (b, { dy, x, mean, rstd, scale }, { eps }) => {
    const { torch } = b;
    const width = x!.shape.at(-1)!;
    const dx = torch.call('native_batch_norm_backward', '', rows(b, gradientLike(b, dy!, x!), x!.shape), rows(b, torch.ref(b.handle(x!)), x!.shape), optional(b, scale), 0, 0, optional(b, mean), optional(b, rstd), 1, torch.float(eps as number), torch.list([1, 1, 1]));
    const dscale = torch.result(1), doffset = torch.result(2);
    return [b.adopt(torch.call('reshape', '', dx, torch.list(x!.shape)), x!.shape, 'float32'), b.adopt(dscale, [width], 'float32'), b.adopt(doffset, [width], 'float32')];
  },
  Gelu: (b, { x }) => b.adopt(b.torch.call('gelu', '', b.torch.ref(b.handle(x!)), b.torch.string('none')), x!.shape, 'float32'),
  GeluGradient: (b, { x, dy }) => b.adopt(b.torch.call('gelu_backward', '', gradientLike(b, dy!, x!), b.torch.ref(b.handle(x!)), b.torch.string('none')), x!.shape, 'float32'),
};
