/** Reductions: sums and means of bf16 values are taken and given in fp32. */
import * as tf from '@tensorflow/tfjs-core';
import type { TorchBackend } from '../backend.ts';
import type { Handle } from '../library.ts';
import { sizeOf, type Attributes, type TorchKernel, type TorchKernels } from './kernel.ts';

/** The axes (TensorFlow.js's Max calls them reductionIndices), the shape that is left, and whether reduced axes stay as 1. */
function parse(x: tf.TensorInfo, { axis, reductionIndices, keepDims }: Attributes): { axes: number[]; shape: number[]; keep: 0 | 1 } {
  const axes = tf.util.parseAxisParam((axis ?? reductionIndices ?? null) as number[], x.shape);
  const keep = keepDims ? 1 : 0;
  const shape = keep ? x.shape.map((n, i) => (axes.includes(i) ? 1 : n)) : x.shape.filter((_, i) => !axes.includes(i));
  return { axes, shape, keep };
}

/** A tensor without axes to reduce is what it is. */
const same = (b: TorchBackend, x: tf.TensorInfo): Handle => b.torch.ref(b.handle(x));

const summed = (op: 'sum' | 'mean'): TorchKernel => (b, { x }, attrs) => {
  const { torch } = b;
  const { axes, shape, keep } = parse(x!, attrs);
  const dtype = x!.dtype === 'float32' ? 'float32' : 'int32';
  if (!axes.length) return b.adopt(b.as(b.handle(x!), dtype), shape, dtype);
  const handle = torch.call(op, op === 'sum' ? 'dim_IntList' : 'dim', torch.ref(b.handle(x!)), torch.some(torch.list(axes)), keep, torch.some(torch.dtypeCode[dtype]));
  return b.adopt(handle, shape, dtype);
};

const extreme = (op: 'amax' | 'amin'): TorchKernel => (b, { x }, attrs) => {
  const { axes, shape, keep } = parse(x!, attrs);
  if (!axes.length) return b.adopt(same(b, x!), shape, x!.dtype);
  return b.adopt(b.torch.call(op, '', b.torch.ref(b.handle(x!)), b.torch.list(axes), keep), shape, x!.dtype);
};

/** `all` and `any` one axis after the other, from the last, so that the numbers of the others stay right. */
const logical = (op: 'all' | 'any'): TorchKernel => (b, { x }, attrs) => {
  const { axes, shape, keep } = parse(x!, attrs);
  let handle = same(b, x!);
  for (const axis of axes.toSorted((p, q) => q - p)) handle = b.torch.call(op, 'dim', handle, axis, keep);
  return b.adopt(handle, shape, 'bool');
};

const position = (op: 'argmax' | 'argmin'): TorchKernel => (b, { x }, { axis }) => {
  const { torch } = b;
  const at = tf.util.parseAxisParam(axis as number, x!.shape)[0]!;
  const long = torch.call(op, '', torch.ref(b.handle(x!)), torch.some(at), 0);
  return b.adopt(b.into(long, 'int32'), x!.shape.filter((_, i) => i !== at), 'int32');
};

const softmaxLike = (op: '_softmax' | '_log_softmax', axis: (attrs: Attributes) => number): TorchKernel => (b, { logits, x }, attrs) => {
  const from = logits ?? x!;
  const at = tf.util.parseAxisParam(axis(attrs), from.shape)[0]!;
  return b.adopt(b.torch.call(op, '', b.torch.ref(b.handle(from)), at, 0), from.shape, 'float32');
};

export const reduceKernels: TorchKernels = {
  Sum: summed('sum'),
  Mean: summed('mean'),
  Max: extreme('amax'),
  Min: extreme('amin'),
  All: logical('all'),
  Any: logical('any'),
  ArgMax: position('argmax'),
  ArgMin: position('argmin'),
  Prod: (b, { x }, attrs) => {
    const { torch } = b;
    const { axes, shape, keep } = parse(x!, attrs);
    const dtype = x!.dtype === 'float32' ? 'float32' : 'int32';
    let handle = same(b, x!);
    for (const axis of axes.toSorted((p, q) => q - p)) handle = torch.call('prod', 'dim_int', handle, axis, keep, torch.some(torch.dtypeCode[dtype]));
    return b.adopt(handle, shape, dtype);
  },
  Softmax: softmaxLike('_softmax', ({ dim }) => dim as number),
  LogSoftmax: softmaxLike('_log_softmax', ({ axis }) => axis as number),
  Cumsum: (b, { x }, { axis, exclusive, reverse }) => {
    if (exclusive || reverse) throw new Error('the torch engine sums forwards and inclusively');
    return b.adopt(b.torch.call('cumsum', '', b.torch.ref(b.handle(x!)), axis as number, 0), x!.shape, x!.dtype);
  },
  TopK: (b, { x }, { k, sorted }) => {
    const { torch } = b;
    const shape = [...x!.shape.slice(0, -1), k as number];
    const values = torch.call('topk', '', torch.ref(b.handle(x!)), k as number, x!.shape.length - 1, 1, sorted ? 1 : 0);
    const long = torch.result(1);
    return [b.adopt(values, shape, x!.dtype), b.adopt(b.into(long, 'int32'), shape, 'int32')];
  },
  BatchMatMul: (b, { a, b: c }, { transposeA, transposeB }) => {
    const { torch } = b;
    const turned = (info: tf.TensorInfo, turn: unknown): Handle => {
      const handle = b.operand(info);
      return turn ? torch.call('transpose', 'int', handle, info.shape.length - 2, info.shape.length - 1) : handle;
    };
    const rows = a!.shape[a!.shape.length - (transposeA ? 1 : 2)]!, columns = c!.shape[c!.shape.length - (transposeB ? 2 : 1)]!;
    const batch = tf.broadcast_util.assertAndGetBroadcastShape(a!.shape.slice(0, -2), c!.shape.slice(0, -2));
    const shape = [...batch, rows, columns];
    if (sizeOf(shape) === 0) return b.adopt(torch.empty(shape, 'float32', b.device), shape, 'float32');
    return b.adopt(b.produced(torch.call('matmul', '', turned(a!, transposeA), turned(c!, transposeB))), shape, 'float32');
  },
};
