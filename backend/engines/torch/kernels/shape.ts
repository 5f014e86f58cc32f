/** Kernels that move or pick values: most are views, which cost nothing. */
import * as tf from '@tensorflow/tfjs-core';
import { scalar } from './elementwise.ts';
import { sizeOf, type TorchKernel, type TorchKernels } from './kernel.ts';

const reshape = (target: (x: tf.TensorInfo, attrs: Record<string, unknown>) => number[]): TorchKernel => (b, { x, input }, attrs) => {
  const from = x ?? input!;
  const shape = target(from, attrs);
  return b.adopt(b.torch.call('reshape', '', b.torch.ref(b.handle(from)), b.torch.list(shape)), shape, from.dtype, true);
};

const filled = (value: number): TorchKernel => (b, { x }) => {
  const { torch } = b;
  const storage = x!.dtype === 'bool' ? 'bool' : x!.dtype === 'int32' ? 'int32' : 'float32';
  const handle = torch.empty(x!.shape, storage, b.device);
  return b.adopt(torch.call('fill_', 'Tensor', handle, scalar(b, value)), x!.shape, x!.dtype);
};

export const shapeKernels: TorchKernels = {
  Identity: (b, { x }) => {
    b.incRef(x!.dataId);
    return { dataId: x!.dataId, shape: x!.shape, dtype: x!.dtype };
  },
  Reshape: reshape((x, { shape }) => tf.util.inferFromImplicitShape(shape as number[], sizeOf(x.shape))),
  ExpandDims: reshape((x, { dim }) => {
    const at = (dim as number) < 0 ? x.shape.length + 1 + (dim as number) : (dim as number);
    return [...x.shape.slice(0, at), 1, ...x.shape.slice(at)];
  }),
  Transpose: (b, { x }, { perm }) => {
    const order = perm as number[];
    return b.adopt(b.torch.call('permute', '', b.torch.ref(b.handle(x!)), b.torch.list(order)), order.map((i) => x!.shape[i]!), x!.dtype, true);
  },
  BroadcastTo: (b, { x }, { shape }) => {
    const target = shape as number[];
    return b.adopt(b.torch.call('expand', '', b.torch.ref(b.handle(x!)), b.torch.list(target), 0), target, x!.dtype, true);
  },
  Concat: (b, inputs, { axis }) => {
    const parts = Object.values(inputs);
    const at = tf.util.parseAxisParam(axis as number, parts[0]!.shape)[0]!;
    const shape = tf.backend_util.computeOutShape(parts.map((t) => t.shape), at);
    const used = parts.filter((t) => sizeOf(t.shape) > 0);
    return b.adopt(b.torch.call('cat', '', b.torch.tensors((used.length ? used : parts).map((t) => b.handle(t))), at), shape, parts[0]!.dtype);
  },
  Pack: (b, inputs, { axis }) => {
    const parts = Object.values(inputs);
    const rank = parts[0]!.shape.length;
    const at = (axis as number) < 0 ? rank + 1 + (axis as number) : (axis as number);
    const shape = [...parts[0]!.shape.slice(0, at), parts.length, ...parts[0]!.shape.slice(at)];
    return b.adopt(b.torch.call('stack', '', b.torch.tensors(parts.map((t) => b.handle(t))), at), shape, parts[0]!.dtype);
  },
  Unpack: (b, { value }, { axis }) => {
    const { torch } = b;
    const at = (axis as number) < 0 ? value!.shape.length + (axis as number) : (axis as number);
    const shape = value!.shape.filter((_, i) => i !== at);
    return Array.from({ length: value!.shape[at]! }, (_, i) => b.adopt(torch.call('select', 'int', torch.ref(b.handle(value!)), at, i), shape, value!.dtype, true));
  },
  Slice: (b, { x }, { begin, size }) => {
    const { torch } = b;
    const [from = [], shape = []] = tf.slice_util.parseSliceParams(x as unknown as tf.Tensor, begin as number[], size as number[]);
    let handle = torch.ref(b.handle(x!));
    for (let d = 0; d < shape.length; d++)
      if (shape[d] !== x!.shape[d]) handle = torch.call('slice', 'Tensor', handle, d, torch.some(from[d]!), torch.some(from[d]! + shape[d]!), 1);
    return b.adopt(handle, shape, x!.dtype, true);
  },
  SplitV: (b, { x }, { numOrSizeSplits, axis }) => {
    const { torch } = b;
    const at = tf.util.parseAxisParam(axis as number, x!.shape)[0]!;
    let from = 0;
    return tf.backend_util.prepareSplitSize(x as unknown as tf.Tensor, numOrSizeSplits as number[] | number, at).map((size) => {
      const part = torch.call('slice', 'Tensor', torch.ref(b.handle(x!)), at, torch.some(from), torch.some(from + size), 1);
      from += size;
      return b.adopt(part, x!.shape.map((n, d) => (d === at ? size : n)), x!.dtype, true);
    });
  },
  PadV2: (b, { x }, { paddings, constantValue }) => {
    const { torch } = b;
    const pads = paddings as [number, number][];
    const shape = x!.shape.map((n, d) => n + pads[d]![0] + pads[d]![1]);
    let target = torch.call('fill_', 'Tensor', torch.empty(shape, b.storage(x!), b.device), scalar(b, constantValue as number));
    const whole = torch.ref(target);
    for (let d = 0; d < shape.length; d++) target = torch.call('slice', 'Tensor', target, d, torch.some(pads[d]![0]), torch.some(pads[d]![0] + x!.shape[d]!), 1);
    torch.copy(target, b.handle(x!));
    torch.release(target);
    return b.adopt(whole, shape, x!.dtype);
  },
  Tile: (b, { x }, { reps }) => {
    const times = reps as number[];
    return b.adopt(b.torch.call('repeat', '', b.torch.ref(b.handle(x!)), b.torch.list(times)), x!.shape.map((n, i) => n * times[i]!), x!.dtype);
  },
  Fill: (b, _, { shape, value, dtype }) => {
    const { torch } = b;
    const kind = (dtype as tf.DataType | undefined) ?? 'float32';
    const handle = torch.empty(shape as number[], kind === 'bool' ? 'bool' : kind === 'int32' ? 'int32' : 'float32', b.device);
    return b.adopt(torch.call('fill_', 'Tensor', handle, scalar(b, value as number)), shape as number[], kind);
  },
  ZerosLike: filled(0),
  OnesLike: filled(1),
  Range: (b, _, { start, stop, step, dtype }) => {
    const values = [];
    const [from, to, by] = [start as number, stop as number, step as number];
    for (let v = from; by > 0 ? v < to : v > to; v += by) values.push(v);
    const shape = [values.length];
    return { dataId: b.write(Float32Array.from(values), shape, dtype as tf.DataType), shape, dtype: dtype as tf.DataType };
  },
  GatherV2: (b, { x, indices }, { axis, batchDims }) => {
    if (batchDims) throw new Error('the torch engine gathers without batch dimensions');
    const { torch } = b;
    const at = tf.util.parseAxisParam(axis as number, x!.shape)[0]!;
    const flat = torch.call('reshape', '', torch.ref(b.handle(indices!)), torch.list([sizeOf(indices!.shape)]));
    const shape = [...x!.shape.slice(0, at), ...indices!.shape, ...x!.shape.slice(at + 1)];
    const picked = torch.call('index_select', '', torch.ref(b.handle(x!)), at, flat);
    return b.adopt(torch.call('reshape', '', picked, torch.list(shape)), shape, x!.dtype);
  },
  OneHot: (b, { indices }, { depth, onValue, offValue, dtype }) => {
    const { torch } = b;
    const shape = [...indices!.shape, depth as number];
    const wide = torch.call('reshape', '', torch.ref(b.handle(indices!)), torch.list([...indices!.shape, 1]));
    const ids = { dataId: b.write(Int32Array.from({ length: depth as number }, (_, i) => i), [depth as number], 'int32'), shape: [depth as number], dtype: 'int32' as const };
    const equal = torch.call('eq', 'Tensor', wide, torch.ref(b.handle(ids)));
    b.disposeData(ids.dataId);
    return b.adopt(torch.call('where', 'self', equal, scalar(b, onValue as number), scalar(b, offValue as number)), shape, dtype as tf.DataType);
  },
};
