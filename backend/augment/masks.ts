/** Which patches of a view are hidden: blockwise as BEiT draws them (Bao et al., ICLR 2022), or at random. */
import type { Random } from '../random.ts';
import type { MaskSpec } from './plan.ts';

type BlockMaskSpec = Pick<Extract<MaskSpec, { kind: 'block' }>, 'count' | 'minBlock' | 'aspect'>;

const tries = 10;

/** A mask of grid x grid patches, 1 is masked; exactly `spec.count` ones where the spec has a count. Null for none. Returns [grid * grid]. */
export function drawMask(random: Random, grid: number, spec: MaskSpec): Uint8Array | null {
  if (spec.kind === 'none') return null;
  const mask = new Uint8Array(grid * grid);
  if (spec.kind === 'varied') {
    const [low, high] = spec.shares[random.integer(0, spec.shares.length - 1)]!;
    const count = random.uniform(low, high) * mask.length;
    if (spec.shape === 'random') fillAtRandom(random, mask, Math.floor(count));
    else maskBlocks(random, mask, grid, { ...spec, count });
    return mask;
  }
  const masked = spec.kind === 'block' ? maskBlocks(random, mask, grid, spec) : 0;
  fillAtRandom(random, mask, spec.count - masked);
  return mask;
}

/**
 * Masks whole blocks until `count` is reached or ten tries in a row find no place. A block's area is drawn between
 * minBlock and what is left, so it never masks too many. Returns how many patches it masked.
 */
function maskBlocks(random: Random, mask: Uint8Array, grid: number, { count, minBlock, aspect }: BlockMaskSpec): number {
  let masked = 0;
  while (masked < count) {
    const added = maskOneBlock(random, mask, grid, minBlock, aspect, count - masked);
    if (added === 0) break;
    masked += added;
  }
  return masked;
}

function maskOneBlock(random: Random, mask: Uint8Array, grid: number, minBlock: number, aspect: readonly [number, number], left: number): number {
  for (let i = 0; i < tries; i++) {
    // With fewer than minBlock patches left the range is upside down, and smaller blocks occur, as in BEiT's code.
    const area = random.uniform(minBlock, left);
    const ratio = Math.exp(random.uniform(Math.log(aspect[0]), Math.log(aspect[1])));
    const height = Math.round(Math.sqrt(area * ratio));
    const width = Math.round(Math.sqrt(area / ratio));
    if (height < 1 || width < 1 || height >= grid || width >= grid) continue;
    const top = random.integer(0, grid - height);
    const from = top * grid + random.integer(0, grid - width);
    let fresh = 0;
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) fresh += 1 - mask[from + y * grid + x]!;
    if (fresh === 0 || fresh > left) continue;
    for (let y = 0; y < height; y++) mask.fill(1, from + y * grid, from + y * grid + width);
    return fresh;
  }
  return 0;
}

/** Masks `count` more patches, drawn evenly from those that are not masked. */
function fillAtRandom(random: Random, mask: Uint8Array, count: number): void {
  const free: number[] = [];
  mask.forEach((value, patch) => value === 0 && free.push(patch));
  for (let i = 0; i < count; i++) {
    const j = random.integer(i, free.length - 1);
    [free[i], free[j]] = [free[j]!, free[i]!];
    mask[free[i]!] = 1;
  }
}
