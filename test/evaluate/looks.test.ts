/** What methods tell of patches and views (codes, prototypes, masks, BEiT's attention, views of any size), against plain loops in double precision. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { trueMatches } from '../../backend/evaluate/correspondence.ts';
import { expandViews, gridOf } from '../../backend/augment/plan.ts';
import { mapPoint, type Crop } from '../../backend/augment/geometry.ts';
import { openEngine } from '../../backend/engines/choose.ts';
import { assignmentOf, crossEntropyOf, prototypeLogits } from '../../backend/evaluate/assignment.ts';
import { patchCodes } from '../../backend/evaluate/codes.ts';
import { attentionMaps } from '../../backend/evaluate/attention.ts';
import { encoderPrefixes, encoderTokens, type FeatureModel } from '../../backend/evaluate/features.ts';
import { Gathering } from '../../backend/evaluate/gather.ts';
import { patchFeatures } from '../../backend/evaluate/layers.ts';
import { untrained } from '../../backend/evaluate/load.ts';
import { lookedViews, looksOf, trainingPlan } from '../../backend/evaluate/looks.ts';
import { resizedModel } from '../../backend/evaluate/resize.ts';
import { methodOf, methodSchema } from '../../backend/methods/registry.ts';
import { modelSchema } from '../../backend/nn/model.ts';
import { Parameters } from '../../backend/nn/parameters.ts';
import { imagePatches } from '../../backend/ops/imagePatches.ts';
import { Random } from '../../backend/random.ts';
import { droppedAt } from '../../backend/train/dropped.ts';
import { drawOf } from '../../backend/train/stepDraw.ts';
import { encodePlainly } from './plainEncoder.ts';

const model = modelSchema.parse({ arch: 'vit_nano', imageSize: 32, patchSize: 8, depth: 2 });
const heads = 4, width = 128;
const random = new Random(5);
const pixels = Uint8Array.from({ length: 2 * 32 * 32 * 3 }, () => random.integer(0, 255));
const mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225];
const normalised = (images: Uint8Array, size: number): Float32Array => Float32Array.from({ length: images.length }, (_, k) => {
  const area = size ** 2, image = Math.floor(k / 3 / area), channel = Math.floor(k / area) % 3;
  return (images[(image * area + (k % area)) * 3 + channel]! / 255 - mean[channel]!) / std[channel]!;
});

beforeAll(async () => {
  await openEngine({ engine: 'wasm' }, { say: () => undefined });
});

/** Parameters by name without their prefix, none of them zero or one everywhere. */
function scattered(m: FeatureModel, names: RegExp): void {
  for (const { name, shape } of m.parameters.specs) if (names.test(name)) m.parameters.set(name, Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform(0.2, 1)), shape);
}
const weightsOf = ({ parameters }: FeatureModel, prefix: string): Map<string, { shape: number[]; values: Float32Array }> => new Map(parameters.specs.filter(({ name }) => name.startsWith(prefix)).map(({ name, shape }) => [name.slice(prefix.length), { shape: [...shape], values: parameters.get(name).dataSync<'float32'>().slice() }]));
const values = (m: FeatureModel, name: string): Float32Array => m.parameters.get(name).dataSync<'float32'>();
const linear = (m: FeatureModel, row: Float64Array, name: string): Float64Array => Float64Array.from(values(m, `${name}.bias`), (bias, o) => row.reduce((sum, x, i) => sum + x * values(m, `${name}.weight`)[o * row.length + i]!, bias));
const unit = (row: Float64Array): Float64Array => row.map((x) => x / Math.hypot(...row));
/** The Gaussian error function by its series, for arguments as small as here. */
function erf(x: number): number {
  let term = x, sum = x;
  for (let n = 1; n < 120; n++) sum += (term *= (-x * x) / n) / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const gelu = (row: Float64Array): Float64Array => row.map((x) => 0.5 * x * (1 + erf(x / Math.SQRT2)));
const tokensOf = (m: FeatureModel, prefix: string): Float64Array[][] => {
  const all = encodePlainly(weightsOf(m, prefix), normalised(pixels, 32), 2, { heads, eps: model.layerNormEps });
  return [0, 1].map((image) => Array.from({ length: 17 }, (_, t) => all.subarray((image * 17 + t) * width, (image * 17 + t + 1) * width)));
};
const rowsOf = (flat: Float32Array, length: number): Float64Array[] => Array.from({ length: flat.length / length }, (_, i) => Float64Array.from(flat.subarray(i * length, (i + 1) * length)));
const worst = (found: ArrayLike<number>, expected: ArrayLike<number>): number => Math.max(...Array.from(found, (v, i) => Math.abs(v - expected[i]!)));

/** DINO's and iBOT's head of the teacher, before the centre. */
const teacherOutputs = (m: FeatureModel, token: Float64Array): Float64Array => {
  const vector = unit(linear(m, gelu(linear(m, gelu(linear(m, token, 'teacher.head.mlp.0')), 'teacher.head.mlp.2')), 'teacher.head.mlp.4'));
  return Float64Array.from(rowsOf(values(m, 'teacher.head.last_layer.weight_v'), vector.length), (row, k) => values(m, 'teacher.head.last_layer.weight_g')[k]! * unit(row).reduce((sum, x, i) => sum + x * vector[i]!, 0));
};

describe('prototypes', () => {
  test.each(['dino', 'ibot'] as const)('%s: the teacher\'s outputs without the centre, at the last temperature', async (name) => {
    const m = untrained(model, methodSchema.parse({ name, outputs: 24, hiddenWidth: 20, bottleneckWidth: 10, localSize: 16, normLastLayer: false, teacherTemperature: [0.04, 0.07] }), 3);
    scattered(m, /^center$|weight_g$/);
    const before = tf.memory().numTensors;
    const logits = await prototypeLogits(m, pixels, 32);
    expect(tf.memory().numTensors).toBe(before);
    const expected = tokensOf(m, 'teacher.backbone.').flatMap(([token]) => [...teacherOutputs(m, token!)].map((v, k) => (v - values(m, 'center')[k]!) / 0.07));
    expect(worst(logits, expected)).toBeLessThan(1e-3);
    expect(looksOf(m)).toContainEqual({ kind: 'prototypes', count: 24 });
    m.parameters.dispose();
  });

  test('msn: cosines of the target branch at its sharpened temperature, by running statistics', async () => {
    const m = untrained(model, methodSchema.parse({ name: 'msn', prototypes: 18, hiddenWidth: 20, outputWidth: 12, focalViews: 0, temperature: 0.1, sharpening: 0.5 }), 3);
    scattered(m, /target_encoder\.fc\.bn/);
    const logits = await prototypeLogits(m, pixels, 32);
    const normed = (row: Float64Array, bn: string): Float64Array => row.map((x, i) => ((x - values(m, `${bn}.running_mean`)[i]!) / Math.sqrt(values(m, `${bn}.running_var`)[i]! + 1e-5)) * values(m, `${bn}.weight`)[i]! + values(m, `${bn}.bias`)[i]!);
    const fc = 'target_encoder.fc';
    const expected = tokensOf(m, 'target_encoder.').flatMap(([token]) => {
      const vector = unit(linear(m, gelu(normed(linear(m, gelu(normed(linear(m, token!, `${fc}.fc1`), `${fc}.bn1`)), `${fc}.fc2`), `${fc}.bn2`)), `${fc}.fc3`));
      return rowsOf(values(m, 'prototypes'), 12).map((row) => unit(row).reduce((sum, x, i) => sum + x * vector[i]!, 0) / 0.1 / 0.5);
    });
    expect(worst(logits, expected)).toBeLessThan(1e-3);
    m.parameters.dispose();
  });

  test('an assignment lists the most probable ones, with entropy and cross entropy in nats', () => {
    const a = Float32Array.from([0, Math.log(2), Math.log(5), -Infinity]), b = Float32Array.from([1, 1, 1, 1]);
    const { prototypes, probabilities, entropy } = assignmentOf(a, 2);
    expect(prototypes).toEqual([2, 1]);
    expect(worst(probabilities, [5 / 8, 2 / 8])).toBeLessThan(1e-6);
    expect(entropy).toBeCloseTo(-(5 / 8) * Math.log(5 / 8) - (2 / 8) * Math.log(2 / 8) - (1 / 8) * Math.log(1 / 8), 6);
    expect(crossEntropyOf(a, b)).toBeCloseTo(Math.log(4), 6);
  });
});

describe('codes', () => {
  test('ibot: the teacher\'s most probable output of each patch', async () => {
    const m = untrained(model, methodSchema.parse({ name: 'ibot', outputs: 24, hiddenWidth: 20, bottleneckWidth: 10, localSize: 16 }), 3);
    scattered(m, /^center2$/);
    const codes = await patchCodes(m, pixels, 32);
    expect(codes.length).toBe(32);
    const expected = tokensOf(m, 'teacher.backbone.').flatMap(([, ...tokens]) => tokens.map((token) => Array.from(teacherOutputs(m, token), (v, k) => v - values(m, 'center2')[k]!)));
    // Two outputs that are equal to six digits may change places.
    expected.forEach((row, patch) => expect(row[codes[patch]!]).toBeGreaterThan(Math.max(...row) - 1e-5));
    expect(looksOf(m)).toContainEqual({ kind: 'codes', count: 24 });
    m.parameters.dispose();
  });

  test('beit: the nearest code of each patch\'s projection', async () => {
    const m = untrained(model, methodSchema.parse({ name: 'beit', vocabulary: 40 }), 3);
    const codes = await patchCodes(m, pixels, 32);
    const projection = rowsOf(values(m, 'tokenizer.projection'), 192), book = rowsOf(values(m, 'tokenizer.codebook'), 16).map(unit);
    const images = normalised(pixels, 32);
    for (let patch = 0; patch < 32; patch++) {
      const [image, row, column] = [patch >> 4, (patch >> 2) & 3, patch & 3];
      // Pixel by pixel, channels last, made even as a whole: what the tokenizer takes.
      const raw = Float64Array.from({ length: 192 }, (_, i) => images[((image * 3 + (i % 3)) * 32 + row * 8 + Math.floor(i / 24)) * 32 + column * 8 + (Math.floor(i / 3) % 8)]!);
      const centre = raw.reduce((a, b) => a + b) / 192, spread = Math.sqrt(raw.reduce((sum, x) => sum + (x - centre) ** 2, 0) / 191 + 1e-6);
      const vector = unit(Float64Array.from(projection, (weights) => weights.reduce((sum, w, i) => sum + (w * (raw[i]! - centre)) / spread, 0)));
      const near = book.map((code) => code.reduce((sum, x, i) => sum + x * vector[i]!, 0));
      expect(near[codes[patch]!]).toBeGreaterThan(Math.max(...near) - 1e-5);
    }
    expect(new Set(codes).size).toBeGreaterThan(4);
    m.parameters.dispose();
  });

  test('what a method has not is neither listed nor computed; an encoder alone has no head', async () => {
    const m = untrained(model, methodSchema.parse({ name: 'dino', outputs: 24, hiddenWidth: 20, bottleneckWidth: 10, localSize: 16 }), 3);
    await expect(patchCodes(m, pixels, 32)).rejects.toThrow('dino gives patches no codes');
    const encoder = { ...m, parameters: new Parameters(m.parameters.specs.filter(({ name }) => name.includes('.backbone.')).map(({ copyOf: _copyOf, ...spec }) => spec), null) };
    expect(looksOf(m).map(({ kind }) => kind)).toEqual(['features', 'attention', 'prototypes']);
    expect(looksOf(encoder).map(({ kind }) => kind)).toEqual(['features', 'attention']);
    m.parameters.dispose();
    encoder.parameters.dispose();
  });
});

test('gathered images: counts, evenness, and the nearest of each prototype, as sorting all of them gives', () => {
  const gathering = new Gathering(5), all: { image: number; logits: Float32Array }[] = [];
  for (let image = 0; image < 40; image++) {
    const logits = Float32Array.from({ length: 5 }, () => random.uniform(-3, 3));
    all.push({ image, logits });
    gathering.addLogits(image, logits);
  }
  const { counts, members, shares, kept, images, used, usageEntropy, ownEntropy } = gathering.result(2);
  const firsts = all.map(({ logits }) => logits.indexOf(Math.max(...logits)));
  expect([...counts]).toEqual([0, 1, 2, 3, 4].map((k) => firsts.filter((first) => first === k).length));
  const share = (logits: Float32Array, k: number): number => Math.exp(logits[k]!) / logits.reduce((sum, v) => sum + Math.exp(v), 0);
  for (let k = 0; k < 5; k++) {
    const nearest = [...all].sort((p, q) => q.logits[k]! - p.logits[k]!).slice(0, kept);
    expect(Array.from({ length: kept }, (_, i) => members[2 * (k * kept + i)])).toEqual(nearest.map(({ image }) => image));
    expect(worst(shares.subarray(k * kept, (k + 1) * kept), nearest.map(({ logits }) => share(logits, k)))).toBeLessThan(1e-6);
  }
  const entropy = (p: number[]): number => -p.reduce((sum, v) => sum + (v > 0 ? v * Math.log(v) : 0), 0);
  expect([images, used]).toEqual([40, new Set(firsts).size]);
  expect(usageEntropy).toBeCloseTo(entropy([...counts].map((n) => n / 40)), 6);
  expect(ownEntropy).toBeCloseTo(all.reduce((sum, { logits }) => sum + entropy([0, 1, 2, 3, 4].map((k) => share(logits, k))) / 40, 0), 6);

  const codes = new Gathering(4);
  codes.addCodes(7, Int32Array.from([1, 1, 3, 1]));
  codes.addCodes(9, Int32Array.from([0, 1, 0, 0]));
  const sorted = codes.result(0);
  expect([[...sorted.counts], sorted.used, sorted.ownEntropy]).toEqual([[3, 4, 0, 1], 3, null]);
  const membersOf = (code: number): number[][] => Array.from({ length: kept }, (_, i) => [...sorted.members.subarray(2 * (code * kept + i), 2 * (code * kept + i) + 2)]).filter(([image]) => image !== -1);
  expect(new Set(membersOf(1).map(String))).toEqual(new Set(['7,1', '9,1']));
  expect([membersOf(2), membersOf(3)]).toEqual([[], [[7, 2]]]);
});

test('what MSN drops of a view is what its step drops: a step on views without these patches has the same loss', () => {
  const m = untrained(model, methodSchema.parse({ name: 'msn', prototypes: 18, hiddenWidth: 20, outputWidth: 12, anchorViews: 2, focalViews: 1, focalSize: 16, patchDrop: 0.4 }), 3);
  const plan = trainingPlan({ ...m, config: null });
  const masks = droppedAt(plan, m.method, { seed: 11, step: 4, micro: 0 });
  expect(masks.map((mask) => mask && mask.reduce((a, b) => a + b))).toEqual([null, 7, 7, null]);
  expect(lookedViews(plan, m.method).map(({ name, grid, hidden }) => [name, grid, hidden])).toEqual([['target', 4, null], ['anchor0', 4, 'dropped'], ['anchor1', 4, 'dropped'], ['focal0', 2, null]]);
  const losses = [0, 1].map((noise) => tf.tidy(() => {
    const views = expandViews(plan).map((view, i) => {
      const own = Uint8Array.from({ length: 2 * view.size ** 2 * 3 }, (_, k) => (k * (7 + i)) % 251);
      const side = view.size;
      // What is dropped may be anything.
      own.forEach((_, k) => {
        const y = Math.floor(k / 3 / side) % side, x = Math.floor(k / 3) % side;
        if (noise && masks[i]?.[Math.floor(y / 8) * gridOf(view, 8) + Math.floor(x / 8)]) own[k] = random.integer(0, 255);
      });
      return { patches: imagePatches(own, side, 8), visible: null, mask: null };
    });
    return methodOf(m.method).forward(m.parameters, model, m.method, { views, geometry: null }, { rates: {}, draw: drawOf(11, 4, 0), detailed: false }).loss.dataSync()[0]!;
  }));
  expect(losses[1]).toBe(losses[0]);
  m.parameters.dispose();
});

test('BEiT\'s attention has its relative bias and no bias of keys: rows of the block that runs', async () => {
  const m = untrained(model, methodSchema.parse({ name: 'beit', vocabulary: 40 }), 3);
  scattered(m, /relative_position_bias_table|q_bias|v_bias/);
  const one = pixels.subarray(0, 32 * 32 * 3);
  const { tokens, probabilities } = await attentionMaps(m, one, 'online', 0);
  let entering = new Float32Array(0);
  tf.tidy(() => void encoderTokens(m, imagePatches(one, 32, 8), 'online', (x, block) => { if (block === -1) entering = x.dataSync<'float32'>().slice(); }));
  const rows = rowsOf(entering, width).map((row) => {
    const centre = row.reduce((a, b) => a + b) / width, spread = Math.sqrt(row.reduce((sum, x) => sum + (x - centre) ** 2, 0) / width + model.layerNormEps);
    return row.map((x, i) => ((x - centre) / spread) * values(m, 'blocks.0.norm1.weight')[i]! + values(m, 'blocks.0.norm1.bias')[i]!);
  });
  const weight = rowsOf(values(m, 'blocks.0.attn.qkv.weight'), width), bias = values(m, 'blocks.0.attn.q_bias');
  const product = (row: Float64Array, o: number): number => row.reduce((sum, x, i) => sum + x * weight[o]![i]!, 0);
  const table = values(m, 'rel_pos_bias.relative_position_bias_table'), index = values(m, 'rel_pos_bias.relative_position_index');
  const size = width / heads;
  for (const [h, from] of [[0, 0], [1, 5], [3, 16]] as const) {
    const q = Array.from({ length: size }, (_, i) => product(rows[from]!, h * size + i) + bias[h * size + i]!);
    const scores = rows.map((row, to) => Math.exp(q.reduce((sum, x, i) => sum + x * product(row, width + h * size + i), 0) / Math.sqrt(size) + table[index[from * tokens + to]! * heads + h]!));
    const total = scores.reduce((a, b) => a + b);
    expect(worst(probabilities.subarray((h * tokens + from) * tokens, (h * tokens + from + 1) * tokens), scores.map((score) => score / total))).toBeLessThan(1e-5);
  }
  m.parameters.dispose();
});

test.each(['dino', 'msn', 'mae', 'beit'])('%s: views of another size are seen as by the model made for it', async (name) => {
  const m = untrained(model, methodSchema.parse({ name, ...(name === 'beit' ? { vocabulary: 40 } : name === 'mae' ? { decoderWidth: 32, decoderDepth: 1, decoderHeads: 2 } : name === 'dino' ? { outputs: 24, hiddenWidth: 20, bottleneckWidth: 10, localSize: 16 } : { prototypes: 18, hiddenWidth: 20, outputWidth: 12, focalViews: 0 }) }), 3);
  scattered(m, /relative_position_bias_table/);
  const small = pixels.subarray(0, 2 * 16 * 16 * 3), one = small.subarray(0, 16 * 16 * 3);
  const branch = encoderPrefixes(m.method).target === encoderPrefixes(m.method).online || name === 'mae' ? 'online' : 'target';
  const found = await patchFeatures(m, small, branch, { kind: 'encoder' }, 16), attention = await attentionMaps(m, one, branch, 0);
  const other = resizedModel(m, 16), expected = await patchFeatures(other, small, branch, { kind: 'encoder' });
  expect([found.values.length, found.dimension]).toEqual([2 * 4 * width, width]);
  expect(worst(found.values, expected.values)).toBeLessThan(1e-5);
  expect(worst(attention.probabilities, (await attentionMaps(other, one, branch, 0)).probabilities)).toBeLessThan(1e-5);
  other.parameters.dispose();
});

test('true matches of grids of other sizes lie where the image says', () => {
  const crop = (): Crop => ({ top: random.integer(0, 20), left: random.integer(0, 20), height: random.integer(20, 60), width: random.integer(20, 60), flipped: random.chance(0.5), imageWidth: 80, imageHeight: 80 });
  for (let i = 0; i < 50; i++) {
    const a = crop(), b = crop(), places = trueMatches(a, b, 8, 3);
    expect(places.length).toBe(18);
    for (let patch = 0; patch < 9; patch++) {
      const { row, column } = mapPoint(b, a, { row: (Math.floor(patch / 3) + 0.5) / 3, column: ((patch % 3) + 0.5) / 3 });
      const inside = row >= 0 && row < 1 && column >= 0 && column < 1;
      expect(places[2 * patch]).toBe(inside ? Math.fround(row * 8) : NaN);
      expect(places[2 * patch + 1]).toBe(inside ? Math.fround(column * 8) : NaN);
    }
  }
});

test('a tokenizer\'s own view of the picture is none that the model sees', () => {
  const config = methodSchema.parse({ name: 'beit', tokenizer: 'dvae', tokenizerWeights: 'encoder.pkl', tokenizerStride: 8 });
  const plan = trainingPlan({ model, method: config, config: null });
  expect(plan.views.map(({ name }) => name)).toEqual(['online', 'tokenizer']);
  expect(lookedViews(plan, config).map(({ name, grid, hidden }) => [name, grid, hidden])).toEqual([['online', 4, 'mask']]);
});
