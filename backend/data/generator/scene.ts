/** Composes one image: a background, an object of its class, smaller things of other classes behind and before it, one lamp. */
import { InputError } from '../../errors.ts';
import { Random } from '../../random.ts';
import { paintBackground, type Stage } from './backgrounds.ts';
import { blur, develop, drawLight, type Canvas, type Light } from './canvas.ts';
import { drawPalette } from './colours.ts';
import { lowestRow, paintFigure, type Part, type Pose, type Shadow } from './figure.ts';
import { builders, classNames } from './objects/index.ts';

/** Which image: the same key gives the same pixels on every machine. */
export interface ImageKey {
  seed: number;
  className: string;
  split: 'train' | 'test';
  index: number;
}

function drawPose(random: Random, size: number, x: number, y: number, scale: number, turn: number): Pose {
  return { x: x * size, y: y * size, scale: scale * size, angle: random.uniform(-turn, turn), aspect: random.uniform(0.82, 1.22), shear: random.uniform(-0.15, 0.15), mirrored: random.chance(0.5) };
}

function drawShadow(random: Random, parts: readonly Part[], pose: Pose, stage: Stage, light: Light): Shadow {
  if (stage.kind === 'wall') return { kind: 'wall', distance: pose.scale * random.uniform(0.08, 0.3) };
  return { kind: 'ground', foot: lowestRow(parts, pose), slant: (-light.direction[0] / light.direction[2]) * 0.9, flatness: random.uniform(0.22, 0.4) };
}

/** Renders an image of `size` by `size` pixels. Returns [size, size, 3] sRGB bytes. Throws InputError for an unknown class. */
export function renderImage(key: ImageKey, size: number): Uint8Array {
  const classIndex = classNames.indexOf(key.className);
  const build = builders[classNames[classIndex] ?? ''];
  if (!build) throw new InputError(`There is no image class "${key.className}": the classes are ${classNames.join(', ')}.`);
  const random = new Random(key.seed, classIndex, key.split === 'train' ? 0 : 1, key.index);
  const canvas: Canvas = { size, pixels: new Float32Array(size * size * 3) };
  const light = drawLight(random);
  const stage = paintBackground(canvas, random, light);
  blur(canvas, (size / 160) * random.uniform(0, 1.8));

  const paint = (parts: Part[], pose: Pose): void => paintFigure(canvas, parts, pose, light, drawShadow(random, parts, pose, stage, light));
  const standing = stage.kind === 'ground';
  const others = classNames.filter((name) => name !== key.className);
  const other = (): Part[] => builders[others[random.integer(0, others.length - 1)]!]!(random, drawPalette(random));

  const behind = random.integer(0, 2);
  for (let k = 0; k < behind; k++) {
    const scale = random.uniform(0.1, 0.17);
    const y = standing ? stage.horizon / size + random.uniform(0, 0.1) - scale : random.uniform(0.1, 0.9);
    paint(other(), drawPose(random, size, random.uniform(0.05, 0.95), y, scale, standing ? 0.15 : 0.6));
  }

  const parts = build(random, drawPalette(random));
  const scale = random.uniform(0.29, 0.44);
  const x = random.uniform(0.4, 0.6);
  const y = standing ? Math.min(0.93, Math.max(stage.horizon / size + random.uniform(0.05, 0.2), 0.8)) - scale * 0.92 : random.uniform(0.42, 0.58);
  const pose = drawPose(random, size, x, y, scale, standing ? 0.16 : 0.5);
  paint(parts, pose);

  // A thing in front covers a corner of the object, never its middle.
  if (random.chance(0.55)) {
    const side = random.chance(0.5) ? 1 : -1;
    const small = random.uniform(0.09, 0.15);
    paint(other(), drawPose(random, size, x + side * random.uniform(0.75, 1.05) * scale, standing ? 0.95 - small : y + random.uniform(-0.9, 0.9) * scale, small, standing ? 0.2 : 0.8));
  }
  return develop(canvas, random);
}
