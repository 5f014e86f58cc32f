/** Unit vectors and cross entropies over many outputs, in as few passes over them as ATen's fused kernels allow. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { TorchBackend } from '../backend.ts';
import type { Handle } from '../library.ts';
import { addScaled, scalar, scaled } from './elementwise.ts';
import { sizeOf, type TorchKernels } from './kernel.ts';

/** Bytes of the logits of one part of the queries: on a CPU a last-level cache's worth. */
const partBytes = { cpu: 32 << 20, other: 512 << 20 };

const reshaped = (b: TorchBackend, handle: Handle, shape: number[]): Handle => b.torch.call('reshape', '', handle, b.torch.list(shape));
const negated = (b: TorchBackend, handle: Handle): Handle => b.torch.call('neg', '', handle);
const full = (b: TorchBackend, info: TensorInfo): Handle => b.as(b.handle(info), 'float32');

/** a * factor in place; consumes a. */
const scaleInPlace = (b: TorchBackend, a: Handle, factor: number): Handle => (factor === 1 ? a : b.torch.call('mul_', 'Tensor', a, scalar(b, factor)));

/** The logits times the scale in fp32, a new handle. */
function scaledLogits(b: TorchBackend, logits: TensorInfo, scale: number): Handle {
  if (b.storage(logits) === 'float32') return scale === 1 ? b.torch.ref(b.handle(logits)) : scaled(b, b.handle(logits), scale);
  return scaleInPlace(b, full(b, logits), scale);
}

/** sum over the last axis of x y, x [V, ..., K], y the same or [1, ..., K]; as products of matrices, which write no products of elements. Consumes nothing. */
function rowProducts(b: TorchBackend, x: Handle, shape: number[], y: Handle, yShape: number[]): Handle {
  const { torch } = b;
  const outputs = shape.at(-1)!, rows = sizeOf(shape) / outputs, own = sizeOf(yShape) / outputs;
  const grouped = torch.call('permute', '', reshaped(b, torch.ref(x), [rows / own, own, outputs]), torch.list([1, 0, 2]));
  const products = torch.call('bmm', '', grouped, reshaped(b, torch.ref(y), [own, outputs, 1]));
  return reshaped(b, torch.call('permute', '', products, torch.list([1, 0, 2])), shape.slice(0, -1));
}

export const contrastKernels: TorchKernels = {
  SoftCrossEntropy: (b, { logits, targets }, { scale }) => {
    const { torch } = b;
    const { shape } = logits!;
    const logProbabilities = torch.call('_log_softmax', '', scaledLogits(b, logits!, scale as number), shape.length - 1, 0);
    const soft = full(b, targets!);
    const loss = negated(b, rowProducts(b, logProbabilities, shape, soft, targets!.shape));
    torch.release(soft);
    return [b.adopt(loss, shape.slice(0, -1), 'float32'), b.adopt(logProbabilities, shape, 'float32')];
  },
  SoftCrossEntropyGradient: (b, { logProbabilities, targets, dy }, { scale }) => {
    const { torch } = b;
    const { shape } = logProbabilities!;
    const weights = reshaped(b, scaled(b, b.handle(dy!), -(scale as number)), [...dy!.shape, 1]);
    // What the log-probabilities get is -targets dy; their own gradient is one pass.
    const given = torch.call('mul', 'Tensor', torch.ref(b.handle(targets!)), weights);
    return b.adopt(torch.call('_log_softmax_backward_data', '', given, torch.ref(b.handle(logProbabilities!)), shape.length - 1, torch.dtypeCode.float32), shape, 'float32');
  },
  L2Normalize: (b, { x }, { eps }) => {
    const { torch } = b;
    const wide = full(b, x!);
    const statistics = [...x!.shape.slice(0, -1), 1];
    const length = torch.call('sqrt', '', reshaped(b, rowProducts(b, wide, x!.shape, wide, x!.shape), statistics));
    const norm = torch.call('clamp', 'Tensor', length, torch.some(scalar(b, eps as number, b.device)), 0);
    const y = torch.call('div', 'Tensor', wide, torch.ref(norm));
    return [b.adopt(y, x!.shape, 'float32'), b.adopt(norm, statistics, 'float32')];
  },
  L2NormalizeGradient: (b, { dy, y, norm }) => {
    const { torch } = b;
    const width = y!.shape.at(-1)!, rows = sizeOf(y!.shape) / width;
    // The gradient of g v / |v| by v at v = y of length 1 and g = 1 / norm: a fused kernel of weight norm.
    const lengths = torch.call('reciprocal', '', reshaped(b, torch.ref(b.handle(norm!)), [rows, 1]));
    const ones = torch.call('fill_', 'Tensor', torch.empty([rows, 1], 'float32', b.device), scalar(b, 1, b.device));
    const dx = torch.call('_weight_norm_interface_backward', '', torch.call('contiguous', '', reshaped(b, full(b, dy!), [rows, width]), 0), reshaped(b, torch.ref(b.handle(y!)), [rows, width]), lengths, ones, 0);
    torch.release(torch.result(1));
    return b.adopt(reshaped(b, dx, y!.shape), y!.shape, 'float32');
  },
  QueueContrast: (b, { queries, positive, queue }, { scale }) => {
    const { torch } = b;
    const [rows, width] = queries!.shape as [number, number];
    const keys = queue!.shape[1]!, factor = scale as number;
    const q = b.operand(queries!), k = b.operand(queue!), own = full(b, positive!);
    const turned = torch.call('transpose', 'int', torch.ref(k), 0, 1);
    const part = Math.max(1, Math.floor((b.device.type === 'cpu' ? partBytes.cpu : partBytes.other) / (4 * (keys + 1))));
    const slice = (handle: Handle, axis: number, from: number, to: number): Handle => torch.call('slice', 'Tensor', torch.ref(handle), axis, torch.some(from), torch.some(to), 1);
    const columns = (handle: Handle, from: number, to: number): Handle => slice(handle, 1, from, to);
    const results: [loss: Handle, dqueries: Handle, dpositive: Handle][] = [];
    for (let from = 0; from < rows; from += part) {
      const to = Math.min(rows, from + part);
      const products = torch.call('mm', '', slice(q, 0, from, to), torch.ref(k));
      const negatives = b.into(products, 'float32');
      const logits = scaleInPlace(b, torch.call('cat', '', torch.list([reshaped(b, slice(own, 0, from, to), [to - from, 1]), negatives]), 1), factor);
      const logProbabilities = torch.call('_log_softmax', '', logits, 1, 0);
      const loss = negated(b, columns(logProbabilities, 0, 1));
      const probabilities = torch.call('exp_', '', logProbabilities);
      const others = columns(probabilities, 1, keys + 1), low = b.into(b.as(others, b.computeDtype), b.productDtype);
      torch.release(others);
      const dqueries = b.into(torch.call('mm', '', low, torch.ref(turned)), 'float32');
      const chance = columns(probabilities, 0, 1), one = scalar(b, 1);
      const dpositive = addScaled(b, chance, one, -1);
      torch.release(chance);
      torch.release(one);
      torch.release(probabilities);
      results.push([loss, scaleInPlace(b, dqueries, factor), scaleInPlace(b, dpositive, factor)]);
    }
    for (const handle of [q, k, own, turned]) torch.release(handle);
    const joined = (i: 0 | 1 | 2, shape: number[]): TensorInfo => b.adopt(reshaped(b, torch.call('cat', '', torch.list(results.map((result) => result[i])), 0), shape), shape, 'float32');
    return [joined(0, [rows]), joined(1, [rows, width]), joined(2, [rows])];
  },
};
