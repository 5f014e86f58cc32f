/** The pre-norm transformer block of ViT (Dosovitskiy et al., 2021), with layer or batch norm and an optional layer scale (Touvron et al., 2021). */
import * as tf from '@tensorflow/tfjs-core';
import { attention, split } from '../ops/attention.ts';
import { isRecording } from '../ops/gradients.ts';
import { gelu } from '../ops/gelu.ts';
import { linear } from '../ops/linear.ts';
import { scaleSamples, type Branch, type DropPath } from './dropPath.ts';
import { linearLayer, linearSpecs, norm, normSpecs, type NormKind } from './layers.ts';
import type { ParameterSpec, Scope } from './parameters.ts';
import { relativeBias } from './relativeBias.ts';

export interface BlockOptions {
  width: number;
  heads: number;
  norm: NormKind;
  /** Initial value of the scale of each branch; null: none. */
  layerScale: number | null;
  /** Added to the attention's logits, [heads, T, T]; left out: that of the block's own table, where it has one. */
  positionBias?: tf.Tensor | null;
}

const mlpRatio = 4;

/** What is given for all blocks, or else by the block's own table; x [B, T, ...]. */
const biasOf = (scope: Scope, given: tf.Tensor | null | undefined, x: tf.Tensor): tf.Tensor | null => given ?? relativeBias(scope.at('attn'), x.shape[1]! - 1);

export function blockSpecs(name: string, { width, norm: kind, layerScale }: BlockOptions): ParameterSpec[] {
  const scale = (branch: string): ParameterSpec[] => (layerScale === null ? [] : [{ name: `${name}.${branch}.gamma`, shape: [width], initializer: { kind: 'constant', value: layerScale }, trainable: true }]);
  return [
    ...normSpecs(`${name}.norm1`, width, kind),
    ...linearSpecs(`${name}.attn.qkv`, width, 3 * width),
    ...linearSpecs(`${name}.attn.proj`, width, width),
    ...scale('ls1'),
    ...normSpecs(`${name}.norm2`, width, kind),
    ...linearSpecs(`${name}.mlp.fc1`, width, mlpRatio * width),
    ...linearSpecs(`${name}.mlp.fc2`, mlpRatio * width, width),
    ...scale('ls2'),
  ];
}

export const blocksSpecs = (name: string, depth: number, options: BlockOptions): ParameterSpec[] => Array.from({ length: depth }, (_, i) => blockSpecs(`${name}.${i}`, options)).flat();

/** BEiT has a bias for queries and values and none for keys, which would change nothing. */
function queryKeyValue(attn: Scope, x: tf.Tensor): tf.Tensor {
  if (!attn.has('q_bias')) return linearLayer(attn.at('qkv'), x);
  const [q, v] = [attn.get('q_bias'), attn.get('v_bias')];
  return linear(x, attn.get('qkv.weight'), tf.concat([q, tf.zeros(q.shape), v], 0));
}

/** For looking inside: what each token takes of each, [B, heads, T, T], of the tokens that enter the block, x [B, T, D]. */
export function attentionProbabilities(scope: Scope, x: tf.Tensor, { heads, norm: kind, positionBias }: BlockOptions): tf.Tensor {
  return tf.tidy(() => {
    const [q, k] = split(queryKeyValue(scope.at('attn'), norm(scope.at('norm1'), x, kind, false)), heads);
    const logits = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(q.shape.at(-1)!));
    const bias = biasOf(scope, positionBias, x);
    return tf.softmax(bias ? tf.add(logits, bias) : logits);
  });
}

/** The tokens that somebody reads after the last block, out of tokens [B, T, ...]: a mere choice of rows, [B, K, ...] or [R, ...]. */
export type Read = (tokens: tf.Tensor) => tf.Tensor;

const all: Read = (tokens) => tokens;

/** What blocks do beside their arithmetic. */
export interface BlockHooks {
  /** Sees what enters the first block (as -1) and every block's output. */
  each?: (tokens: tf.Tensor, block: number) => void;
  /** Leaves out branches of samples. */
  drop?: DropPath;
  /** The others are only attended to: in the last block they need neither projection nor MLP. Left out: all are read. */
  read?: Read;
}

/** x [B, T, D] -> [B, T, D], or what is read of it. */
export function block(scope: Scope, x: tf.Tensor, options: BlockOptions, training: boolean, drop?: (branch: Branch, batch: number) => tf.Tensor | null, read: Read = all): tf.Tensor {
  const [batch, tokens] = x.shape as [number, number, number];
  // A batch norm's statistics are of all tokens.
  const [early, late]: [Read, Read] = options.norm.kind === 'layer' ? [read, all] : [all, read];
  const scaled = (branch: Branch, y: tf.Tensor, chosen: Read): tf.Tensor => {
    const gamma = (branch === 'attn' ? ['ls1.gamma', 'gamma_1'] : ['ls2.gamma', 'gamma_2']).find((name) => scope.has(name));
    const whole = gamma ? tf.mul(y, scope.get(gamma)) : y;
    const factors = drop?.(branch, batch);
    return factors ? scaleSamples(whole, chosen === all ? factors : chosen(tf.broadcastTo(factors, [batch, tokens, 1]))) : whole;
  };
  return tf.tidy(() => {
    const qkv = queryKeyValue(scope.at('attn'), norm(scope.at('norm1'), x, options.norm, training));
    const attended = attention(qkv, options.heads, biasOf(scope, options.positionBias, x));
    const h = tf.add(early(x), scaled('attn', linearLayer(scope.at('attn.proj'), early(attended)), early));
    const hidden = gelu(linearLayer(scope.at('mlp.fc1'), late(norm(scope.at('norm2'), h, options.norm, training))));
    return tf.add(late(h), scaled('mlp', linearLayer(scope.at('mlp.fc2'), hidden), read));
  });
}

/** Blocks one after the other. */
export function blocks(scope: Scope, x: tf.Tensor, depth: number, options: BlockOptions, training: boolean, { each, drop, read }: BlockHooks = {}): tf.Tensor {
  if (depth === 0 && read) return read(x);
  let y = x;
  each?.(y, -1);
  for (let i = 0; i < depth; i++) {
    const entering = y;
    y = block(scope.at(`${i}`), entering, options, training, drop && ((branch, batch) => drop(i, branch, batch)), i === depth - 1 ? read : undefined);
    // What no gradient and nobody else looks at would last until the whole branch has been computed.
    if (i > 0 && !each && !isRecording()) entering.dispose();
    each?.(y, i);
  }
  return y;
}
