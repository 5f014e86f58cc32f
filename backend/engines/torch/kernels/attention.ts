/** Attention by the faster of two ways on this machine. */
import { fusedAttention, fusedAttentionGradient, prefersFused } from './fusedAttention.ts';
import type { TorchKernels } from './kernel.ts';
import { productAttention, productAttentionGradient } from './productAttention.ts';

export const attentionKernels: TorchKernels = {
  Attention: (b, { qkv }, { heads }) => (prefersFused(b, qkv!) ? fusedAttention : productAttention)(b, qkv!, heads as number),
  AttentionGradient: (b, { qkv, dy, y, sums }, { heads }) => (prefersFused(b, qkv!) ? fusedAttentionGradient : productAttentionGradient)(b, { qkv: qkv!, dy: dy!, y: y!, sums: sums! }, heads as number),
};
