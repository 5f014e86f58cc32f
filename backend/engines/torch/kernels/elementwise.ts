/** Elementwise kernels: TensorFlow.js's names beside ATen's. */
import * as tf from '@tensorflow/tfjs-core';
import { RunError } from '../../../errors.ts';
import type { TorchBackend } from '../backend.ts';
import type { Handle, TorchDevice } from '../library.ts';
import type { TorchKernel, TorchKernels } from './kernel.ts';

/** tfjs kernel -> ATen operator, one tensor in, one of the same shape and dtype out. */
const unaryOperators = {
  Neg: 'neg', Exp: 'exp', Log: 'log', Sqrt: 'sqrt', Rsqrt: 'rsqrt', Square: 'square', Abs: 'abs', Sigmoid: 'sigmoid', Tanh: 'tanh', Relu: 'relu',
  Erf: 'erf', Sin: 'sin', Cos: 'cos', Sign: 'sign', Floor: 'floor', Ceil: 'ceil', Round: 'round', Reciprocal: 'reciprocal', Log1p: 'log1p', Expm1: 'expm1', Acos: 'acos',
} as const;

/** As above, with a bool result. */
const testOperators = { IsNan: 'isnan', IsFinite: 'isfinite', IsInf: 'isinf', LogicalNot: 'logical_not' } as const;

/** tfjs kernel -> [ATen operator, overload], two broadcast tensors. */
const binaryOperators = {
  Multiply: ['mul', 'Tensor'], RealDiv: ['div', 'Tensor'], Maximum: ['maximum', ''], Minimum: ['minimum', ''], Pow: ['pow', 'Tensor_Tensor'], Mod: ['remainder', 'Tensor'], FloorDiv: ['floor_divide', ''], Atan2: ['atan2', ''],
} as const;

const comparisonOperators = {
  Greater: ['gt', 'Tensor'], GreaterEqual: ['ge', 'Tensor'], Less: ['lt', 'Tensor'], LessEqual: ['le', 'Tensor'], Equal: ['eq', 'Tensor'], NotEqual: ['ne', 'Tensor'],
  LogicalAnd: ['logical_and', ''], LogicalOr: ['logical_or', ''], LogicalXor: ['logical_xor', ''],
} as const;

const unary = (op: string, dtype?: tf.DataType): TorchKernel => (b, { x }) => b.adopt(b.torch.call(op, '', b.torch.ref(b.handle(x!))), x!.shape, dtype ?? x!.dtype);

/** maximum, minimum and the logical operators want both on the device. */
const binary = (op: string, overload: string, dtype?: tf.DataType): TorchKernel => (b, { a, b: c }) => {
  const shape = tf.backend_util.assertAndGetBroadcastShape(a!.shape, c!.shape);
  return b.adopt(b.torch.call(op, overload, b.torch.ref(b.scalarHandle(a!)), b.torch.ref(b.scalarHandle(c!))), shape, dtype ?? a!.dtype);
};

/**
 * a + alpha c, by the typed C function: the dispatcher does not take scalars. Consumes nothing. That function takes only a
 * floating-point alpha, which integer tensors refuse, so those are added as doubles (exact below 2^53; MPS has fp32 only, 2^24).
 */
export function addScaled(b: TorchBackend, a: Handle, c: Handle, alpha: number): Handle {
  if (b.storageOfHandle(a) === 'int32' && b.storageOfHandle(c) === 'int32') {
    const wide = b.device.type === 'mps' ? 'float32' : 'float64';
    const [p, q] = [b.as(a, wide), b.as(c, wide)];
    const sum = addScaled(b, p, q, alpha);
    const result = b.as(sum, 'int32');
    for (const handle of [p, q, sum]) b.torch.release(handle);
    return result;
  }
  const f = b.torch.function(`int aoti_torch_${b.device.type}_add_Tensor(uint64 a, uint64 b, double alpha, _Out_ uint64* result)`, b.device.type);
  if (!f) throw new RunError(`libtorch ${b.torch.version} has no aoti_torch_${b.device.type}_add_Tensor: use another device or another torch`);
  return b.torch.make(f, 'add', a, c, alpha);
}

/** a * factor. Consumes nothing. */
export function scaled(b: TorchBackend, a: Handle, factor: number): Handle {
  return b.torch.call('mul', 'Tensor', b.torch.ref(a), scalar(b, factor));
}

const host: TorchDevice = { type: 'cpu', index: 0 };

/** A new 0-dimensional fp32 tensor, on the host unless told otherwise. */
export function scalar(b: TorchBackend, value: number, device: TorchDevice = host): Handle {
  const { torch } = b;
  const handle = torch.empty([], 'float32', host);
  torch.write(handle, new Uint8Array(Float32Array.of(value).buffer));
  if (device.type === 'cpu') return handle;
  const moved = torch.empty([], 'float32', device);
  torch.copy(moved, handle);
  torch.release(handle);
  return moved;
}

const add = (alpha: number): TorchKernel => (b, { a, b: c }) => {
  const shape = tf.backend_util.assertAndGetBroadcastShape(a!.shape, c!.shape);
  return b.adopt(addScaled(b, b.scalarHandle(a!), b.scalarHandle(c!), alpha), shape, a!.dtype);
};

const storageName = { float32: 'float32', int32: 'int32', bool: 'bool' } as const;

export const elementwiseKernels: TorchKernels = {
  ...Object.fromEntries(Object.entries(unaryOperators).map(([name, op]) => [name, unary(op)])),
  ...Object.fromEntries(Object.entries(testOperators).map(([name, op]) => [name, unary(op, 'bool')])),
  ...Object.fromEntries(Object.entries(binaryOperators).map(([name, [op, overload]]) => [name, binary(op, overload)])),
  ...Object.fromEntries(Object.entries(comparisonOperators).map(([name, [op, overload]]) => [name, binary(op, overload, 'bool')])),
  Rectifier: unary('relu'),
  RectifierGradient: (b, { y, dy }) => {
    const { torch } = b;
    const passes = torch.call('gt', 'Tensor', torch.ref(b.handle(y!)), scalar(b, 0));
    return b.adopt(torch.call('where', 'self', passes, torch.ref(b.handle(dy!)), scalar(b, 0)), y!.shape, 'float32');
  },
  Add: add(1),
  Sub: add(-1),
  SquaredDifference: (b, { a, b: c }) => {
    const shape = tf.backend_util.assertAndGetBroadcastShape(a!.shape, c!.shape);
    const difference = addScaled(b, b.scalarHandle(a!), b.scalarHandle(c!), -1);
    return b.adopt(b.torch.call('square', '', difference), shape, a!.dtype);
  },
  AddN: (b, inputs) => {
    const [first, ...rest] = Object.values(inputs);
    let sum = b.torch.ref(b.handle(first!));
    for (const info of rest) {
      const next = addScaled(b, sum, b.handle(info), 1);
      b.torch.release(sum);
      sum = next;
    }
    return b.adopt(sum, first!.shape, first!.dtype);
  },
  ClipByValue: (b, { x }, { clipValueMin, clipValueMax }) => {
    const { torch } = b;
    const low = scalar(b, clipValueMin as number), high = scalar(b, clipValueMax as number);
    return b.adopt(torch.call('clamp', 'Tensor', torch.ref(b.handle(x!)), torch.some(low), torch.some(high)), x!.shape, x!.dtype);
  },
  Step: (b, { x }, { alpha }) => {
    if (alpha) throw new RunError(`step with alpha ${alpha as number} is not used by SiamScope and not supported by its torch engine`);
    const positive = b.torch.call('gt', 'Tensor', b.torch.ref(b.handle(x!)), scalar(b, 0));
    return b.adopt(b.into(positive, 'float32'), x!.shape, x!.dtype);
  },
  Select: (b, { condition, t, e }) => {
    const { torch } = b;
    let mask = torch.ref(b.handle(condition!));
    // tfjs lets a vector choose among the rows of a matrix.
    if (condition!.shape.length < t!.shape.length) mask = torch.call('reshape', '', mask, torch.list([...condition!.shape, ...new Array<number>(t!.shape.length - condition!.shape.length).fill(1)]));
    return b.adopt(torch.call('where', 'self', mask, torch.ref(b.handle(t!)), torch.ref(b.handle(e!))), t!.shape, t!.dtype);
  },
  Cast: (b, { x }, { dtype }) => {
    const { torch } = b;
    const target = dtype as keyof typeof storageName;
    if (!(target in storageName)) throw new RunError(`the torch engine holds float32, int32 and bool tensors, not ${target}`);
    if (target === x!.dtype) {
      b.incRef(x!.dataId);
      return { dataId: x!.dataId, shape: x!.shape, dtype: x!.dtype };
    }
    return b.adopt(torch.call('_to_copy', '', torch.ref(b.handle(x!)), torch.some(torch.dtypeCode[storageName[target]]), 0, 0, 0, 0, 0), x!.shape, target);
  },
};
