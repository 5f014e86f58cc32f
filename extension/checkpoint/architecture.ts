/** What the encoder in a checkpoint is, by its tensors' shapes, and what of it is missing. */
import type { TensorInfo } from '../../backend/formats/tensorFile.ts';
import type { Roles } from './roles.ts';

export interface EncoderFound {
  text: string;
  /** What belongs to it and is not there; sentences without a full stop. */
  missing: string[];
  transformer: boolean;
}

const names: Readonly<Record<string, string>> = { '192 12': 'ViT-Ti', '384 12': 'ViT-S', '768 12': 'ViT-B', '1024 24': 'ViT-L', '1280 32': 'ViT-H', '1408 40': 'ViT-g' };

/** Shapes of one branch's encoder by its own names. */
function encoderShapes(tensors: readonly TensorInfo[], { roles }: Roles, target: boolean): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  roles.forEach((role, place) => {
    if (role.part === 'encoder' && role.target === target && !shapes.has(role.own)) shapes.set(role.own, tensors[place]!.shape);
  });
  return shapes;
}

/** Null where there is no encoder of a kind that is known. */
export function findEncoder(tensors: readonly TensorInfo[], roles: Roles, target: boolean): EncoderFound | null {
  const shapes = encoderShapes(tensors, roles, target);
  // Fixed position embeddings are the same in both branches, and saved once.
  const positions = shapes.get('pos_embed') ?? (target ? encoderShapes(tensors, roles, false).get('pos_embed') : undefined);
  return transformer(shapes, positions, roles.method === 'BEiT') ?? resnet(shapes);
}

/** Names below numbered blocks, by number: `blocks.3.attn.qkv.weight`. */
function blocksOf(shapes: ReadonlyMap<string, unknown>): Map<number, Set<string>> {
  const blocks = new Map<number, Set<string>>();
  for (const name of shapes.keys()) {
    const match = name.startsWith('blocks.') ? /^blocks\.(\d{1,4})\.(.{1,100})$/.exec(name) : null;
    if (!match) continue;
    const inner = blocks.get(Number(match[1])) ?? new Set();
    blocks.set(Number(match[1]), inner.add(match[2]!));
  }
  return blocks;
}

function transformer(shapes: ReadonlyMap<string, number[]>, positionShape: number[] | undefined, withoutPositions: boolean): EncoderFound | null {
  const blocks = blocksOf(shapes);
  const patch = shapes.get('patch_embed.proj.weight');
  if (blocks.size === 0 || ![...blocks.values()].some((inner) => inner.has('attn.qkv.weight'))) return null;
  const depth = Math.max(...blocks.keys()) + 1;
  const width = patch?.[0] ?? shapes.get('cls_token')?.at(-1) ?? shapes.get('blocks.0.attn.qkv.weight')?.[1] ?? 0;
  const size = patch?.at(-1);
  const grid = gridOf(positionShape?.at(-2) ?? 0);
  const known = names[`${width} ${depth}`];
  const text = [
    `${known ?? 'Vision Transformer'}${known && size !== undefined ? `/${size}` : ''}`,
    [`${depth} ${depth === 1 ? 'block' : 'blocks'} of width ${width}`, ...(size === undefined ? [] : [`patches of ${size} × ${size}`]), ...(grid && size !== undefined ? [`images of ${grid.rows * size} × ${grid.columns * size}`] : [])].join(', '),
  ].join(': ');
  const missing: string[] = [];
  const need = (name: string): void => {
    if (!shapes.has(name)) missing.push(`${name} is missing`);
  };
  need('patch_embed.proj.weight');
  if (!withoutPositions && positionShape === undefined) missing.push('pos_embed is missing');
  const gone = Array.from({ length: Math.min(depth, 1000) }, (_, block) => block).filter((block) => !blocks.has(block));
  if (gone.length > 0) missing.push(`${gone.length === 1 ? 'block' : 'blocks'} ${gone.slice(0, 8).join(', ')}${gone.length > 8 ? ', …' : ''} of ${depth} ${gone.length === 1 ? 'is' : 'are'} missing`);
  // What most blocks have, all should.
  const counts = new Map<string, number>();
  for (const inner of blocks.values()) for (const name of inner) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const [block, inner] of blocks) {
    const lacks = [...counts].filter(([name, count]) => count > blocks.size / 2 && !inner.has(name)).map(([name]) => name);
    if (lacks.length > 0 && missing.length < 6) missing.push(`block ${block} lacks ${lacks.slice(0, 3).join(', ')}${lacks.length > 3 ? ` and ${lacks.length - 3} more` : ''}`);
  }
  return { text, missing, transformer: true };
}

/** The square of patches among positions, and how many stand before it (class token, distillation token, registers). */
export function gridOf(positions: number): { rows: number; columns: number; extra: number } | null {
  for (const extra of [1, 0, 2, 5, 4, 3]) {
    const side = Math.round(Math.sqrt(positions - extra));
    if (side > 1 && side * side + extra === positions) return { rows: side, columns: side, extra };
  }
  return null;
}

function resnet(all: ReadonlyMap<string, number[]>): EncoderFound | null {
  // A sequence's first part, where a method has its backbone there.
  const shapes = all.has('0.conv1.weight') ? new Map([...all].map(([name, shape]) => [name.replace(/^0\./, ''), shape])) : all;
  if (!shapes.has('layer1.0.conv1.weight')) return null;
  const depths = [1, 2, 3, 4].map((layer) => {
    let count = 0;
    while (shapes.has(`layer${layer}.${count}.conv1.weight`)) count++;
    return count;
  });
  const bottleneck = shapes.has('layer1.0.conv3.weight');
  const known: Record<string, string> = bottleneck ? { '3 4 6 3': 'ResNet-50', '3 4 23 3': 'ResNet-101', '3 8 36 3': 'ResNet-152' } : { '2 2 2 2': 'ResNet-18', '3 4 6 3': 'ResNet-34' };
  const missing = ['conv1.weight', 'bn1.weight'].filter((name) => !shapes.has(name)).map((name) => `${name} is missing`);
  // Small ones have fewer stages: only a gap is a loss.
  for (const [i, depth] of depths.entries()) if (depth === 0 && depths.slice(i).some((later) => later > 0)) missing.push(`layer${i + 1} is missing`);
  return { text: `${known[depths.join(' ')] ?? 'ResNet'}: ${depths.filter((depth) => depth > 0).join(', ')} blocks`, missing, transformer: false };
}
