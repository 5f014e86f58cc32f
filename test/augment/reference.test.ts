/** Every deterministic operation against pictures made by torchvision and Pillow: equal to the byte. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { Kernels, type Picture } from '../../backend/augment/kernels.ts';
import { jitter, type JitterName } from '../../backend/augment/ops/colorJitter.ts';
import { gaussianBlur } from '../../backend/augment/ops/gaussianBlur.ts';
import { grayscale } from '../../backend/augment/ops/grayscale.ts';
import { solarize } from '../../backend/augment/ops/solarize.ts';
import { renderCrop } from '../../backend/augment/views.ts';

interface Case {
  name: string;
  op: string;
  input?: string;
  top?: number;
  left?: number;
  height?: number;
  width?: number;
  size?: number;
  interpolation?: 'bicubic' | 'bilinear' | 'lanczos';
  factor?: number;
  sigma?: number;
  threshold?: number;
}

const folder = join(import.meta.dirname, '../fixtures/augment');
const { cases } = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as { cases: Case[] };

async function load(kernels: Kernels, file: string): Promise<Picture> {
  const { data, info } = await sharp(join(folder, file)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return kernels.picture(data, info.width, info.height);
}

function run(kernels: Kernels, image: Picture, c: Case): Picture {
  const whole = { top: 0, left: 0, height: image.height, width: image.width, imageWidth: image.width, imageHeight: image.height };
  switch (c.op) {
    case 'resized_crop':
      return renderCrop(kernels, image, { ...whole, top: c.top!, left: c.left!, height: c.height!, width: c.width!, flipped: false }, c.size!, c.interpolation!);
    case 'horizontal_flip':
      return renderCrop(kernels, image, { ...whole, flipped: true }, image.width, 'bicubic');
    case 'grayscale':
      grayscale.apply(kernels, image, {});
      return image;
    case 'gaussian_blur':
      gaussianBlur.apply(kernels, image, { sigma: c.sigma! });
      return image;
    case 'solarize':
      solarize.apply(kernels, image, { threshold: c.threshold! });
      return image;
    default:
      jitter(kernels, image, c.op as JitterName, c.factor!);
      return image;
  }
}

test('the fixtures name every operation', () => {
  expect(new Set(cases.map((c) => c.op))).toEqual(new Set(['resized_crop', 'brightness', 'contrast', 'saturation', 'hue', 'grayscale', 'gaussian_blur', 'solarize', 'horizontal_flip']));
});

test.each(cases)('$name is what torchvision and Pillow give', async (c) => {
  const kernels = new Kernels();
  const result = run(kernels, await load(kernels, c.input ?? 'input.png'), c);
  const actual = kernels.pixels(result).slice();
  const expected = await load(kernels, `${c.name}.png`);
  expect([result.width, result.height]).toEqual([expected.width, expected.height]);
  expect(Buffer.compare(actual, kernels.pixels(expected))).toBe(0);
});
