/**
 * Matrix products of linear layers. On the CPU in fp32 they go to oneDNN on AMD, where MKL takes its AVX2 path (measured: 2.2
 * times slower on Zen 5), and to ATen's own choice elsewhere; the choice depends on the machine alone, never on a timing, so
 * that a resumed run computes the same bits.
 */
import { cpus } from 'node:os';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { TorchBackend } from '../backend.ts';
import type { Handle } from '../library.ts';
import { sizeOf, type TorchKernels } from './kernel.ts';

const pointwise = 'int aoti_torch_cpu__linear_pointwise(uint64 x, uint64 w, uint64* b, const char* attr, void* scalars, int64 scalarCount, void* algorithm, _Out_ uint64* result)';
const isAmd = /AMD/.test(cpus()[0]?.model ?? '');

/** x [M, K] w [N, K]^T + b -> [M, N]. Consumes nothing; x and w in one dtype, b (or null) in it too. */
function product(b: TorchBackend, x: Handle, w: Handle, bias: Handle | null): Handle {
  const { torch, device } = b;
  if (isAmd && device.type === 'cpu' && b.precision === 'fp32') {
    const f = torch.function(pointwise);
    if (f) return torch.make(f, 'linear', x, w, bias === null ? null : [bias], 'none', null, 0, null);
  }
  return torch.call('linear', '', torch.ref(x), torch.ref(w), bias === null ? 0 : torch.some(torch.ref(bias)));
}

/** The tensor as [rows, last axis], a new handle. */
function rows(b: TorchBackend, handle: Handle, shape: number[]): Handle {
  return shape.length === 2 ? handle : b.torch.call('reshape', '', handle, b.torch.list([sizeOf(shape.slice(0, -1)), shape.at(-1)!]));
}

function shaped(b: TorchBackend, handle: Handle, shape: number[]): TensorInfo {
  return b.adopt(shape.length === 2 ? handle : b.torch.call('reshape', '', handle, b.torch.list(shape)), shape, 'float32');
}

export const linearKernels: TorchKernels = {
  Linear: (b, { x, w, b: bias }) => {
    const { torch } = b;
    const xs = rows(b, b.compute(x!), x!.shape), ws = b.parameter(w!), bs = bias ? b.parameter(bias) : null;
    const y = product(b, xs, ws, bs);
    for (const handle of [xs, ws, bs]) if (handle !== null) torch.release(handle);
    return shaped(b, y, [...x!.shape.slice(0, -1), w!.shape[0]!]);
  },
  LinearInputGradient: (b, { dy, w }) => {
    const { torch } = b;
    const dys = rows(b, b.compute(dy!), dy!.shape), ws = b.parameter(w!);
    const turned = torch.call('transpose', 'int', ws, 0, 1);
    const dx = product(b, dys, turned, null);
    torch.release(dys);
    torch.release(turned);
    return shaped(b, dx, [...dy!.shape.slice(0, -1), w!.shape[1]!]);
  },
  LinearWeightGradient: (b, { dy, x }) => {
    const { torch } = b;
    const dyt = torch.call('transpose', 'int', rows(b, b.compute(dy!), dy!.shape), 0, 1);
    const xs = rows(b, b.compute(x!), x!.shape);
    const shape = [dy!.shape.at(-1)!, x!.shape.at(-1)!];
    let dw: Handle;
    if (isAmd && b.device.type === 'cpu' && b.precision === 'fp32') {
      const xt = torch.call('transpose', 'int', xs, 0, 1);
      dw = product(b, dyt, xt, null);
      torch.release(dyt);
      torch.release(xt);
    } else dw = torch.call('mm', '', dyt, xs);
    const full = b.as(dw, 'float32');
    torch.release(dw);
    return b.adopt(full, shape, 'float32');
  },
  LinearBiasGradient: (b, { dy }) => {
    const { torch } = b;
    const axes = torch.list(Array.from({ length: dy!.shape.length - 1 }, (_, i) => i));
    return b.adopt(torch.call('sum', 'dim_IntList', torch.ref(b.handle(dy!)), torch.some(axes), 0, torch.some(torch.dtypeCode.float32)), [dy!.shape.at(-1)!], 'float32');
  },
};
