/** ATen's fused attention on a CPU, whose products are fp32: blocks of queries and keys, with no matrix of probabilities (Dao et al., 2022). */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { processor } from '../../hardware.ts';
import type { TorchBackend } from '../backend.ts';
import type { Handle } from '../library.ts';
import { productAttentionGradient, type AttentionInputs } from './productAttention.ts';

const hasAvx512 = processor().flags.includes('avx512f');

/** With fewer tokens it gains little, and products round less: its gradient takes the difference of two sums that may both be large. */
const fewestTokens = 64;

/**
 * Whether it is the better way: measured on Zen 3 (AVX2), ViT-S, 197 tokens, forward and backward, it is 2.2 times as fast as products for 6 heads of 64
 * and 2.5 times for 16 heads of 24. By the machine and the shape alone, so that a resumed run computes the same bits.
 */
export const prefersFused = (b: TorchBackend, qkv: TensorInfo): boolean => b.device.type === 'cpu' && b.productDtype === 'float32' && !hasAvx512 && qkv.shape[1]! >= fewestTokens;

/** [B, T, n heads size] -> n views [B, heads, T, size]; consumes. */
function perHead(b: TorchBackend, handle: Handle, [batch, tokens, width]: number[], n: number, heads: number): Handle[] {
  const { torch } = b;
  const parts = torch.call('permute', '', torch.call('reshape', '', handle, torch.list([batch!, tokens!, n, heads, width! / n / heads])), torch.list([2, 0, 3, 1, 4]));
  const views = Array.from({ length: n }, (_, i) => torch.call('select', 'int', torch.ref(parts), 0, i));
  torch.release(parts);
  return views;
}

/** [y, logarithms of the rows' sums]. */
export function fusedAttention(b: TorchBackend, { qkv, bias }: AttentionInputs, heads: number): TensorInfo[] {
  const { torch } = b;
  const [batch, tokens, triple] = qkv.shape as [number, number, number];
  const [q, k, v] = perHead(b, b.operand(qkv), qkv.shape, 3, heads) as [Handle, Handle, Handle];
  const mask = bias ? torch.some(torch.call('reshape', '', b.operand(bias), torch.list([1, heads, tokens, tokens]))) : 0;
  const y = torch.call('_scaled_dot_product_flash_attention_for_cpu', '', q, k, v, torch.float(0), 0, mask, 0);
  const sums = torch.result(1);
  const shape = [batch, tokens, triple / 3];
  const merged = torch.call('reshape', '', torch.call('transpose', 'int', y, 1, 2), torch.list(shape));
  return [b.adopt(b.produced(merged), shape, 'float32'), b.adopt(sums, [batch, heads, tokens], 'float32')];
}

/** The fused gradient gives a bias none: where there is one, products do. */
export function fusedAttentionGradient(b: TorchBackend, inputs: AttentionInputs & Record<'dy' | 'y' | 'sums', TensorInfo>, heads: number): TensorInfo[] {
  if (inputs.bias) return productAttentionGradient(b, inputs, heads);
  const { torch } = b, { qkv, dy, y, sums } = inputs;
  const [batch, tokens, triple] = qkv.shape as [number, number, number];
  const [q, k, v] = perHead(b, b.operand(qkv), qkv.shape, 3, heads) as [Handle, Handle, Handle];
  const [d] = perHead(b, b.operand(dy), dy.shape, 1, heads) as [Handle];
  const [o] = perHead(b, b.operand(y), y.shape, 1, heads) as [Handle];
  const dq = torch.call('_scaled_dot_product_flash_attention_for_cpu_backward', '', d, q, k, v, o, torch.ref(b.handle(sums)), torch.float(0), 0, 0, 0);
  const gradients = [dq, torch.result(1), torch.result(2)];
  const result = torch.empty(qkv.shape, b.computeDtype, b.device);
  const target = torch.call('permute', '', torch.call('reshape', '', torch.ref(result), torch.list([batch, tokens, 3, heads, triple / 3 / heads])), torch.list([2, 0, 3, 1, 4]));
  gradients.forEach((gradient, i) => {
    const part = torch.call('select', 'int', torch.ref(target), 0, i);
    torch.copy(part, gradient);
    torch.release(part);
    torch.release(gradient);
  });
  torch.release(target);
  return [b.adopt(result, qkv.shape, 'float32')];
}
