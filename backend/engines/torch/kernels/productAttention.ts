/**
 * Attention as batched matrix products over a few images at a time, so that the probabilities of a chunk stay in the processor's
 * cache: on a CPU with AVX-512 this is 2 to 3 times faster than ATen's fused attention with its backward, and holds no [T, T] matrix of
 * the batch. On CPUs without it MKL's small products are slow, and the fused kernels take half the time (fusedAttention.ts).
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { TorchBackend } from '../backend.ts';
import { elementBytes, type Handle } from '../library.ts';
import { addScaled } from './elementwise.ts';

/** Bytes of one chunk's probabilities; a share of the last-level cache. */
const chunkBytes = 4 << 20;

export interface AttentionInputs {
  /** [B, T, 3 D]. */
  qkv: TensorInfo;
  /** [heads, T, T], or null. */
  bias: TensorInfo | null;
}

interface Layout {
  batch: number;
  tokens: number;
  heads: number;
  /** Width of a head. */
  size: number;
  scale: number;
  /** Images a chunk. */
  chunk: number;
}

function layout(b: TorchBackend, qkv: TensorInfo, heads: number): Layout {
  const [batch, tokens, triple] = qkv.shape as [number, number, number];
  const size = triple / 3 / heads;
  const bytes = heads * tokens * tokens * elementBytes[b.productDtype];
  // A GPU wants the whole batch at once.
  const chunk = b.device.type === 'cpu' ? Math.min(batch, Math.max(1, Math.floor(chunkBytes / bytes))) : batch;
  return { batch, tokens, heads, size, scale: 1 / Math.sqrt(size), chunk };
}

/** a b * alpha for batches of matrices, added to `onto`, or else in a new tensor of `shape`; consumes all that it is given. */
function scaledProduct(b: TorchBackend, a: Handle, c: Handle, shape: [number, number, number], alpha: number, onto: Handle | null = null): Handle {
  const { torch, device } = b;
  const out = onto ?? torch.empty(shape, b.productDtype, device);
  const f = torch.function(`int aoti_torch_${device.type}_baddbmm_out(uint64 out, uint64 self, uint64 a, uint64 b, double beta, double alpha)`, device.type)!;
  torch.check(f(out, out, a, c, onto === null ? 0 : 1, alpha), 'baddbmm');
  torch.release(a);
  torch.release(c);
  return out;
}

const transposed = (b: TorchBackend, handle: Handle): Handle => b.torch.call('transpose', 'int', b.torch.ref(handle), 1, 2);

/** Images from ... to of a tensor whose first axis is the batch, a view. */
const images = (b: TorchBackend, handle: Handle, from: number, to: number): Handle => b.torch.call('slice', 'Tensor', b.torch.ref(handle), 0, b.torch.some(from), b.torch.some(to), 1);

/** [n, T, heads size] -> [n heads, T, size], contiguous; consumes. */
function perHead(b: TorchBackend, handle: Handle, n: number, { tokens, heads, size }: Layout): Handle {
  const { torch } = b;
  const parts = torch.call('permute', '', torch.call('reshape', '', handle, torch.list([n, tokens, heads, size])), torch.list([0, 2, 1, 3]));
  return torch.call('reshape', '', parts, torch.list([n * heads, tokens, size]));
}

/** q, k and v of a chunk, each [n heads, T, size]. */
function unpack(b: TorchBackend, qkv: Handle, from: number, n: number, { tokens, heads, size }: Layout): [Handle, Handle, Handle] {
  const { torch } = b;
  const parts = torch.call('permute', '', torch.call('reshape', '', images(b, qkv, from, from + n), torch.list([n, tokens, 3, heads, size])), torch.list([2, 0, 3, 1, 4]));
  const packed = torch.call('reshape', '', parts, torch.list([3, n * heads, tokens, size]));
  const [q, k, v] = [0, 1, 2].map((i) => torch.call('select', 'int', torch.ref(packed), 0, i));
  torch.release(packed);
  return [q!, k!, v!];
}

/** The bias [heads, T, T] once for each of n images, a new tensor [n heads, T, T]. */
function repeated(b: TorchBackend, bias: Handle, n: number, { tokens, heads }: Layout): Handle {
  const { torch } = b;
  const copies = torch.empty([n, heads, tokens, tokens], b.productDtype, b.device);
  torch.copy(copies, bias);
  return torch.call('reshape', '', copies, torch.list([n * heads, tokens, tokens]));
}

function probabilities(b: TorchBackend, q: Handle, k: Handle, bias: Handle | null, n: number, l: Layout): Handle {
  const { tokens, heads, scale } = l;
  const scores = scaledProduct(b, b.torch.ref(q), transposed(b, k), [n * heads, tokens, tokens], scale, bias === null ? null : repeated(b, bias, n, l));
  return b.torch.call('_softmax', '', scores, 2, 0);
}

/** `sum` [heads, T, T] in fp32, or null at first, and the sum over images of ds [n heads, T, T]; consumes `sum` alone. */
function summedOverImages(b: TorchBackend, sum: Handle | null, ds: Handle, n: number, { tokens, heads }: Layout): Handle {
  const { torch } = b;
  const own = torch.call('sum', 'dim_IntList', torch.call('reshape', '', torch.ref(ds), torch.list([n, heads, tokens, tokens])), torch.some(torch.list([0])), 0, torch.some(torch.dtypeCode.float32));
  if (sum === null) return own;
  const both = addScaled(b, sum, own, 1);
  torch.release(sum);
  torch.release(own);
  return both;
}

/** [y, nothing]: the gradient computes again what it needs. */
export function productAttention(b: TorchBackend, { qkv, bias }: AttentionInputs, heads: number): TensorInfo[] {
  const { torch } = b;
  const l = layout(b, qkv, heads);
  const width = l.heads * l.size;
  const packed = b.operand(qkv), added = bias && b.operand(bias);
  const out = torch.empty([l.batch, l.tokens, width], b.computeDtype, b.device);
  for (let from = 0; from < l.batch; from += l.chunk) {
    const n = Math.min(l.chunk, l.batch - from);
    const [q, k, v] = unpack(b, packed, from, n, l);
    const p = probabilities(b, q, k, added, n, l);
    const o = torch.call('bmm', '', p, v);
    torch.release(q);
    torch.release(k);
    const merged = torch.call('permute', '', torch.call('reshape', '', o, torch.list([n, l.heads, l.tokens, l.size])), torch.list([0, 2, 1, 3]));
    const target = torch.call('reshape', '', images(b, out, from, from + n), torch.list([n, l.tokens, l.heads, l.size]));
    torch.copy(target, merged);
    torch.release(target);
    torch.release(merged);
  }
  for (const handle of [packed, added]) if (handle !== null) torch.release(handle);
  return [b.adopt(out, [l.batch, l.tokens, width], 'float32'), b.adopt(torch.empty([0], 'float32', b.device), [0], 'float32')];
}

/** [dqkv], and the bias's where there is one. */
export function productAttentionGradient(b: TorchBackend, { qkv, bias, dy }: AttentionInputs & { dy: TensorInfo }, heads: number): TensorInfo[] {
  const { torch } = b;
  const l = layout(b, qkv, heads);
  const packed = b.operand(qkv), added = bias && b.operand(bias), dout = b.operand(dy);
  let dbias: Handle | null = null;
  const result = torch.empty(qkv.shape, b.computeDtype, b.device);
  for (let from = 0; from < l.batch; from += l.chunk) {
    const n = Math.min(l.chunk, l.batch - from);
    const matrices = n * l.heads;
    const [q, k, v] = unpack(b, packed, from, n, l);
    const p = probabilities(b, q, k, added, n, l);
    const d = perHead(b, images(b, dout, from, from + n), n, l);
    const dp = torch.call('bmm', '', torch.ref(d), transposed(b, v));
    torch.release(v);
    const ds = torch.call('_softmax_backward_data', '', dp, torch.ref(p), 2, torch.dtypeCode[b.productDtype]);
    if (bias) dbias = summedOverImages(b, dbias, ds, n, l);
    const shape: [number, number, number] = [matrices, l.tokens, l.size];
    const dv = torch.call('bmm', '', transposed(b, p), d);
    torch.release(p);
    const dst = transposed(b, ds);
    const dq = scaledProduct(b, ds, k, shape, l.scale);
    const dk = scaledProduct(b, dst, q, shape, l.scale);
    const target = torch.call('permute', '', torch.call('reshape', '', images(b, result, from, from + n), torch.list([n, l.tokens, 3, l.heads, l.size])), torch.list([2, 0, 3, 1, 4]));
    [dq, dk, dv].forEach((gradient, i) => {
      const part = torch.call('select', 'int', torch.ref(target), 0, i);
      const source = torch.call('reshape', '', gradient, torch.list([n, l.heads, l.tokens, l.size]));
      torch.copy(part, source);
      torch.release(part);
      torch.release(source);
    });
    torch.release(target);
  }
  for (const handle of [packed, added, dout]) if (handle !== null) torch.release(handle);
  const dqkv = b.adopt(result, qkv.shape, 'float32');
  return bias ? [dqkv, b.adopt(dbias!, bias.shape, 'float32')] : [dqkv];
}
