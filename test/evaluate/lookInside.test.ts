/** Attention and reconstructions for pictures, against what they are by definition, on the reference engine. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../../backend/engines/choose.ts';
import { attentionMaps } from '../../backend/evaluate/attention.ts';
import { encoderScope, encoderTokens, type FeatureModel } from '../../backend/evaluate/features.ts';
import { untrained } from '../../backend/evaluate/load.ts';
import { reconstruct } from '../../backend/evaluate/reconstruct.ts';
import { looksOf } from '../../backend/evaluate/looks.ts';
import { patchFeatures } from '../../backend/evaluate/layers.ts';
import { dvae } from '../../backend/methods/dvae.ts';
import { dvaeSchema } from '../../backend/methods/dvae.options.ts';
import { recipeOf } from '../../backend/methods/recipes.ts';
import { methodSchema } from '../../backend/methods/registry.ts';
import { decodeImages, discreteVaePixels, encodeImages } from '../../backend/nn/discreteVae.ts';
import { modelSchema } from '../../backend/nn/model.ts';
import { imagePatches } from '../../backend/ops/imagePatches.ts';
import { pictureTensor } from '../../backend/methods/tokenizer.ts';
import { Scope } from '../../backend/nn/parameters.ts';
import { Random } from '../../backend/random.ts';
import { recipeMask } from '../../backend/views/correspondenceImages.ts';

const model = modelSchema.parse({ arch: 'vit_nano', imageSize: 32, patchSize: 8, depth: 2 });
const random = new Random(5);
const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, () => random.integer(0, 255));

const maskOf = (m: FeatureModel, seed: number): Uint8Array | null => recipeMask(m, recipeOf(m.method).views(m.model, m.method), seed);

beforeAll(async () => {
  await openEngine({ engine: 'wasm' }, { say: () => undefined });
});

describe('attention', () => {
  test('of a block is the softmax of its scaled products, in double precision', async () => {
    const m = untrained(model, methodSchema.parse({ name: 'siamese', decoderHeads: 4, projectorDepth: 1, predictorDepth: 1 }), 3);
    const before = tf.memory().numTensors;
    const { heads, tokens, probabilities } = await attentionMaps(m, pixels, 'online', 1);
    expect(tf.memory().numTensors).toBe(before);

    // The first block's output as the encoder gives it; from there on by loops.
    let entering: Float32Array = new Float32Array(0);
    tf.tidy(() => {
      encoderTokens(m, imagePatches(pixels, 32, 8), 'online', (x, block) => {
        if (block === 0) entering = x.dataSync<'float32'>().slice();
      });
    });
    const scope = encoderScope(m, 'online').at('blocks.1');
    const values = (name: string): Float32Array => scope.get(name).dataSync<'float32'>();
    const width = entering.length / tokens, size = width / heads;
    const [gamma, beta, weight, bias] = ['norm1.weight', 'norm1.bias', 'attn.qkv.weight', 'attn.qkv.bias'].map(values) as [Float32Array, Float32Array, Float32Array, Float32Array];
    const qkv = Array.from({ length: tokens }, (_, t) => {
      const row = [...entering.subarray(t * width, (t + 1) * width)];
      const mean = row.reduce((a, b) => a + b) / width, variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / width;
      const normed = row.map((v, i) => ((v - mean) / Math.sqrt(variance + model.layerNormEps)) * gamma[i]! + beta[i]!);
      return Array.from({ length: 3 * width }, (_, o) => normed.reduce((sum, v, i) => sum + v * weight[o * width + i]!, bias[o]!));
    });
    let worst = 0;
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < tokens; t++) {
        const scores = qkv.map((other) => {
          let sum = 0;
          for (let d = 0; d < size; d++) sum += qkv[t]![h * size + d]! * other[width + h * size + d]!;
          return Math.exp(sum / Math.sqrt(size));
        });
        const all = scores.reduce((a, b) => a + b);
        scores.forEach((score, other) => (worst = Math.max(worst, Math.abs(score / all - probabilities[(h * tokens + t) * tokens + other]!))));
      }
    expect([heads, tokens]).toEqual([4, 17]);
    expect(worst).toBeLessThan(1e-5);
    await expect(attentionMaps(m, pixels, 'online', 2)).rejects.toThrow('this encoder has blocks 0 to 1');
    m.parameters.dispose();
  });
});

describe('a reconstruction', () => {
  test('that paints each patch as its own mean is that mean; the mask is drawn anew by the seed', async () => {
    const m = untrained(model, methodSchema.parse({ name: 'mae', decoderWidth: 32, decoderDepth: 1, decoderHeads: 2, normalizePixels: true }), 3);
    // A head of zeros paints the mean of normalised pixels.
    for (const name of ['decoder_pred.weight', 'decoder_pred.bias']) m.parameters.set(name, new Float32Array(m.parameters.get(name).size), m.parameters.get(name).shape);
    const { mask, pixels: painted, normalised } = await reconstruct(m, pixels, maskOf(m, 1));
    expect([mask!.length, mask!.reduce((a, b) => a + b), normalised]).toEqual([16, 12, true]);
    for (const patch of [0, 5, 15])
      for (let channel = 0; channel < 3; channel++) {
        const at = (i: number): number => ((Math.floor(patch / 4) * 8 + Math.floor(i / 8)) * 32 + (patch % 4) * 8 + (i % 8)) * 3 + channel;
        expect(new Set(Array.from({ length: 64 }, (_, i) => painted[at(i)])).size, 'one value a channel').toBe(1);
      }
    expect(maskOf(m, 2)).not.toEqual(mask);
    expect(maskOf(m, 1)).toEqual(mask);
    m.parameters.dispose();
  });

  test('of a dVAE is what its decoder makes of the whole image\'s codes, and its features are its encoder\'s, a row a code', async () => {
    const options = dvaeSchema.parse({ name: 'dvae', vocabulary: 32, width: 16, codeWidth: 8 }), shape = { layers: 3, width: 16, vocabulary: 32 };
    const m = untrained(model, options, 3);
    const p = new Scope(m.parameters);
    // Squares of several colours, and no code preferred beforehand: the image has several codes.
    const squares = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => pixels[3 * (Math.floor(i / 768) * 4 + (Math.floor(i / 24) % 4)) + (i % 3)]!);
    m.parameters.set('encoder.3.bias', new Float32Array(32), [32]);
    const batch = { views: [], pictures: { online: { pixels: squares, size: 32 } }, geometry: null };
    const [codes, features, painted] = tf.tidy(() => {
      const given = dvae.codes!(m.parameters, model, options, batch);
      const vectors = tf.reshape(tf.gather(p.get('codebook.weight'), tf.reshape(given, [16])), [1, 4, 4, 8]);
      return [given, encodeImages(p, shape, pictureTensor({ pixels: squares, size: 32 }, discreteVaePixels)).features, decodeImages(p, shape, vectors)].map((tensor) => [...tensor.dataSync()]);
    }) as [number[], number[], number[]];
    expect(new Set(codes).size).toBeGreaterThan(2);

    const found = await reconstruct(m, squares, null);
    expect([found.mask, found.normalised]).toEqual([null, false]);
    const wanted = painted.map((value) => 255 * Math.max(0, Math.min(1, 0.5 * value + 0.5)));
    expect(Math.max(...wanted.map((value, i) => Math.abs(value - found.pixels[i]!)))).toBeLessThanOrEqual(0.51);

    const { values, dimension } = await patchFeatures(m, squares, 'online', { kind: 'encoder' });
    expect([values.length, dimension]).toEqual([16 * 16, 16]);
    expect(Math.max(...features.map((value, i) => Math.abs(value - values[i]!)))).toBeLessThan(1e-5);
    expect(looksOf(m)).toEqual([{ kind: 'features', blocks: 0, layers: ['encoder'] }, { kind: 'codes', count: 32 }, { kind: 'reconstruction' }]);
    expect(() => patchFeatures(m, pixels, 'online', { kind: 'block', block: 0 })).toThrow('dvae has no blocks: look at the encoder');
    m.parameters.dispose();
  });

  test('is refused of a method that paints none', async () => {
    const m = untrained(model, methodSchema.parse({ name: 'siamese', decoderHeads: 4, projectorDepth: 1, predictorDepth: 1 }), 3);
    await expect(reconstruct(m, pixels, new Uint8Array(16))).rejects.toThrow('siamese paints no patches');
    m.parameters.dispose();
  });
});
