/** A Vision Transformer encoder written out in plain loops and double precision, to hold others against (Dosovitskiy et al., 2021); BEiT's too (Bao et al., 2022). */

export type Weights = ReadonlyMap<string, { shape: number[]; values: Float32Array }>;

interface Dimensions {
  heads: number;
  eps: number;
}

/** Rows of numbers: tokens of one image, [N, D]. */
type Rows = Float64Array[];

/** Features of `images` [batch, 3, size, size]: the tokens after the last block, and after the norm where there is one, [batch, 1 + patches, D]. */
export function encodePlainly(weights: Weights, images: Float32Array, batch: number, { heads, eps }: Dimensions): Float64Array {
  const of = (name: string): Float32Array => weights.get(name)!.values;
  const [width, , patch] = weights.get('patch_embed.proj.weight')!.shape as [number, number, number];
  const size = Math.sqrt(images.length / batch / 3), grid = size / patch;
  const biasOf = (name: string): Float32Array => weights.get(`${name}.bias`)?.values ?? Float32Array.from([...of(name.replace('qkv', 'q_bias')), ...new Float32Array(width), ...of(name.replace('qkv', 'v_bias'))]);
  const linear = (rows: Rows, name: string): Rows => rows.map((row) => {
    const weight = of(`${name}.weight`), bias = biasOf(name);
    return Float64Array.from(bias, (b, o) => row.reduce((sum, x, i) => sum + x * weight[o * row.length + i]!, b));
  });
  const norm = (rows: Rows, name: string): Rows => rows.map((row) => {
    const mean = row.reduce((a, b) => a + b) / row.length;
    const scale = 1 / Math.sqrt(row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length + eps);
    return row.map((x, i) => (x - mean) * scale * of(`${name}.weight`)[i]! + of(`${name}.bias`)[i]!);
  });
  const addScaled = (rows: Rows, change: Rows, gamma: string): Rows => rows.map((row, n) => row.map((x, i) => x + change[n]![i]! * ((weights.get(`${gamma}.gamma`) ?? weights.get(gamma.replace(/ls(.)$/, 'gamma_$1')))?.values[i] ?? 1)));

  const table = weights.get('rel_pos_bias.relative_position_bias_table')?.values;
  /** BEiT's bias of a head on the attention of token `from` to token `to`, class token first. */
  const relativeBias = (head: number, from: number, to: number): number => {
    if (!table) return 0;
    const rows = table.length / heads, axis = (at: (n: number) => number): number => at(from - 1) - at(to - 1) + grid - 1;
    const row = from === 0 ? (to === 0 ? rows - 1 : rows - 3) : to === 0 ? rows - 2 : axis((n) => Math.floor(n / grid)) * (2 * grid - 1) + axis((n) => n % grid);
    return table[row * heads + head]!;
  };

  const attend = (rows: Rows, name: string): Rows => {
    const qkv = linear(rows, `${name}.qkv`), size = width / heads;
    const mixed = rows.map(() => new Float64Array(width));
    for (let h = 0; h < heads; h++) {
      const at = (third: number, i: number) => third * width + h * size + i;
      for (const [n, from] of qkv.entries()) {
        const scores = qkv.map((to, m) => { let dot = 0; for (let i = 0; i < size; i++) dot += from[at(0, i)]! * to[at(1, i)]!; return dot / Math.sqrt(size) + relativeBias(h, n, m); });
        const top = Math.max(...scores), weighted = scores.map((s) => Math.exp(s - top)), total = weighted.reduce((a, b) => a + b);
        for (let i = 0; i < size; i++) mixed[n]![h * size + i] = weighted.reduce((sum, w, m) => sum + w * qkv[m]![at(2, i)]!, 0) / total;
      }
    }
    return linear(mixed, `${name}.proj`);
  };

  /** Rows of [3, P, P] pixels, patches row by row. */
  const patchesOf = (image: number): Rows => Array.from({ length: grid * grid }, (_, n) => Float64Array.from({ length: 3 * patch * patch }, (_, k) => {
    const channel = Math.floor(k / patch ** 2), y = Math.floor(n / grid) * patch + Math.floor(k / patch) % patch, x = (n % grid) * patch + k % patch;
    return images[((image * 3 + channel) * size + y) * size + x]!;
  }));

  const features: number[] = [];
  for (let image = 0; image < batch; image++) {
    let tokens: Rows = [Float64Array.from(of('cls_token')), ...linear(patchesOf(image), 'patch_embed.proj')];
    tokens = tokens.map((row, n) => row.map((x, i) => x + (weights.get('pos_embed')?.values[n * width + i] ?? 0)));
    for (let b = 0; weights.has(`blocks.${b}.norm1.weight`); b++) {
      const block = `blocks.${b}`;
      tokens = addScaled(tokens, attend(norm(tokens, `${block}.norm1`), `${block}.attn`), `${block}.ls1`);
      const hidden = linear(norm(tokens, `${block}.norm2`), `${block}.mlp.fc1`).map((row) => row.map((x) => 0.5 * x * (1 + erf(x / Math.SQRT2))));
      tokens = addScaled(tokens, linear(hidden, `${block}.mlp.fc2`), `${block}.ls2`);
    }
    if (weights.has('norm.weight')) tokens = norm(tokens, 'norm');
    for (const row of tokens) features.push(...row);
  }
  return Float64Array.from(features);
}

/** The error function: its Maclaurin series where that is exact enough, else one less the continued fraction (Abramowitz and Stegun 7.1.6, 7.1.14). */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 3) {
    let fraction = a;
    for (let k = 60; k > 0; k--) fraction = a + k / 2 / fraction;
    return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / fraction);
  }
  let term = a, sum = a;
  for (let n = 1; n < 80; n++) {
    term *= (2 * a * a) / (2 * n + 1);
    sum += term;
  }
  return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum;
}
