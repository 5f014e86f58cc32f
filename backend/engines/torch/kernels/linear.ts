/**
 * Matrix products of linear layers. On the CPU in fp32 they go to oneDNN on AMD with AVX-512, where MKL takes its AVX2 path (measured:
 * 2.2 times slower on Zen 5), and to ATen's own choice elsewhere (on Zen 3, which has AVX2 alone, a step by oneDNN took 10 to 20 % longer); the choice depends on the machine alone, never on a timing, so
 * that a resumed run computes the same bits.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { processor } from '../../hardware.ts';
import type { TorchBackend } from '../backend.ts';
import type { Handle } from '../library.ts';
import { scalar } from './elementwise.ts';
import { sizeOf, type TorchKernels } from './kernel.ts';

const pointwise = 'int aoti_torch_cpu__linear_pointwise(uint64 x, uint64 w, uint64* b, const char* attr, void* scalars, int64 scalarCount, void* algorithm, _Out_ uint64* result)';
const { model, flags } = processor();
const prefersOneDnn = /AMD/.test(model) && flags.includes('avx512f');
const takesOneDnn = (b: TorchBackend): boolean => prefersOneDnn && b.device.type === 'cpu' && b.productDtype === 'float32';

/** x [M, K] w [N, K]^T + b -> [M, N]. Consumes nothing; x, w and b (or null) in one dtype. */
function product(b: TorchBackend, x: Handle, w: Handle, bias: Handle | null): Handle {
  const { torch } = b;
  if (takesOneDnn(b)) {
    const f = torch.function(pointwise);
    if (f) return torch.make(f, 'linear', x, w, bias === null ? null : [bias], 'none', null, 0, null);
  }
  return torch.call('linear', '', torch.ref(x), torch.ref(w), bias === null ? 0 : torch.some(torch.ref(bias)));
}

/** The tensor as [rows, last axis], a new handle. */
function rows(b: TorchBackend, handle: Handle, shape: number[]): Handle {
  return shape.length === 2 ? handle : b.torch.call('reshape', '', handle, b.torch.list([sizeOf(shape.slice(0, -1)), shape.at(-1)!]));
}

/** What a product gave, as a tensor of the shape; consumes the handle. */
function shaped(b: TorchBackend, handle: Handle, shape: number[]): TensorInfo {
  const result = b.produced(handle);
  return b.adopt(shape.length === 2 ? result : b.torch.call('reshape', '', result, b.torch.list(shape)), shape, 'float32');
}

/** [1, count] ones in the dtype of products, a new handle. */
const ones = (b: TorchBackend, count: number): Handle => b.torch.call('fill_', 'Tensor', b.torch.empty([1, count], b.productDtype, b.device), scalar(b, 1, b.device));

export const linearKernels: TorchKernels = {
  Linear: (b, { x, w, b: bias }) => {
    const { torch } = b;
    const xs = rows(b, b.operand(x!), x!.shape), ws = b.parameter(w!), bs = bias ? b.parameter(bias) : null;
    const y = product(b, xs, ws, bs);
    for (const handle of [xs, ws, bs]) if (handle !== null) torch.release(handle);
    return shaped(b, y, [...x!.shape.slice(0, -1), w!.shape[0]!]);
  },
  ProductOperand: (b, { x }) => b.adopt(b.as(b.handle(x!), b.computeDtype), x!.shape, 'float32', b.storage(x!) === b.computeDtype),
  LinearInputGradient: (b, { dy, w }) => {
    const { torch } = b;
    const dys = rows(b, b.operand(dy!), dy!.shape), ws = b.parameter(w!);
    let dx: Handle;
    if (takesOneDnn(b)) {
      const turned = torch.call('transpose', 'int', ws, 0, 1);
      dx = product(b, dys, turned, null);
      torch.release(dys);
      torch.release(turned);
    } else dx = torch.call('mm', '', dys, ws);
    return shaped(b, dx, [...dy!.shape.slice(0, -1), w!.shape[1]!]);
  },
  LinearWeightGradient: (b, { dy, x }) => {
    const { torch } = b;
    const dyt = torch.call('transpose', 'int', rows(b, b.operand(dy!), dy!.shape), 0, 1);
    const xs = rows(b, b.operand(x!), x!.shape);
    const shape = [dy!.shape.at(-1)!, x!.shape.at(-1)!];
    let dw: Handle;
    if (takesOneDnn(b)) {
      const xt = torch.call('transpose', 'int', xs, 0, 1);
      dw = product(b, dyt, xt, null);
      torch.release(dyt);
      torch.release(xt);
    } else dw = torch.call('mm', '', dyt, xs);
    return b.adopt(b.into(dw, 'float32'), shape, 'float32');
  },
  LinearBiasGradient: (b, { dy }) => {
    const { torch } = b;
    const width = dy!.shape.at(-1)!;
    // As a product with a row of ones: ATen's sum over the first axis is 12 times slower (measured, bf16, two cores).
    const dys = rows(b, b.operand(dy!), dy!.shape);
    const sums = torch.call('mm', '', ones(b, sizeOf(dy!.shape) / width), dys);
    return b.adopt(torch.call('reshape', '', b.into(sums, 'float32'), torch.list([width])), [width], 'float32');
  },
};
