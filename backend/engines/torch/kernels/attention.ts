/** Attention by the faster of two ways on this machine. */
import { fusedAttention, fusedAttentionGradient, prefersFused } from './fusedAttention.ts';
import type { TorchKernel, TorchKernels } from './kernel.ts';
import { productAttention, productAttentionGradient } from './productAttention.ts';

const attention: TorchKernel = (b, { qkv, bias }, { heads }) => (prefersFused(b, qkv!) ? fusedAttention : productAttention)(b, { qkv: qkv!, bias: bias ?? null }, heads as number);
const gradient: TorchKernel = (b, { qkv, bias, dy, y, sums }, { heads }) => (prefersFused(b, qkv!) ? fusedAttentionGradient : productAttentionGradient)(b, { qkv: qkv!, bias: bias ?? null, dy: dy!, y: y!, sums: sums! }, heads as number);

export const attentionKernels: TorchKernels = { Attention: attention, AttentionGradient: gradient, BiasedAttention: attention, BiasedAttentionGradient: gradient };
