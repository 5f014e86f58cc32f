/** RandAugment: each of its fifteen operations against Pillow on a photograph, and how its draws are spread. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { Kernels } from '../../backend/augment/kernels.ts';
import { policyNames, policyOperation, type PolicyName } from '../../backend/augment/ops/policy.ts';
import { movesPixels, randAugment } from '../../backend/augment/ops/randAugment.ts';
import { Random } from '../../backend/random.ts';
import { pythonWith, runPython } from '../helpers/python.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const photo = join(import.meta.dirname, '../fixtures/augment/input.png');

/** Arguments of both signs where there are two, and the ends of what can be drawn. */
const tried: Record<PolicyName, number[]> = {
  autoContrast: [0], equalize: [0], invert: [0], rotate: [27.3, -11.9, 30], posterize: [0, 1, 4], solarize: [0, 26, 256], solarizeAdd: [0, 99, 110],
  color: [0.19, 1.81], contrast: [0.19, 1.81], brightness: [0.19, 1.81], sharpness: [0.1, 0.19, 1.81], shearX: [0.27, -0.1], shearY: [-0.27, 0.3], translateX: [0.405, -0.1234], translateY: [-0.45, 0.05],
};

const script = `
import json, math, sys
from PIL import Image, ImageEnhance, ImageOps
cases, fill = json.loads(sys.argv[3]), (124, 116, 104)
source = Image.open(sys.argv[1]).convert('RGB')
for number, (name, v, reading) in enumerate(cases):
    how = {'bicubic': Image.BICUBIC, 'bilinear': Image.BILINEAR}[reading]
    warp = lambda m: source.transform(source.size, Image.AFFINE, m, how, fillcolor=fill)
    lut = lambda f: source.point([f(i) for i in range(256)] * 3)
    made = {
        'autoContrast': lambda: ImageOps.autocontrast(source), 'equalize': lambda: ImageOps.equalize(source), 'invert': lambda: ImageOps.invert(source),
        'rotate': lambda: source.rotate(v, how, fillcolor=fill), 'posterize': lambda: lut(lambda i: i & ~(2 ** (8 - int(v)) - 1)), 'solarize': lambda: ImageOps.solarize(source, int(v)),
        'solarizeAdd': lambda: lut(lambda i: min(255, i + int(v)) if i < 128 else i),
        'color': lambda: ImageEnhance.Color(source).enhance(v), 'contrast': lambda: ImageEnhance.Contrast(source).enhance(v),
        'brightness': lambda: ImageEnhance.Brightness(source).enhance(v), 'sharpness': lambda: ImageEnhance.Sharpness(source).enhance(v),
        'shearX': lambda: warp((1, v, 0, 0, 1, 0)), 'shearY': lambda: warp((1, 0, 0, v, 1, 0)),
        'translateX': lambda: warp((1, 0, v * source.size[0], 0, 1, 0)), 'translateY': lambda: warp((1, 0, 0, 0, 1, v * source.size[1])),
    }[name]()
    open(f'{sys.argv[2]}/{number}.rgb', 'wb').write(made.tobytes())
`;

test('each operation gives the pixels that Pillow gives', { timeout: 600_000 }, async () => {
  const cases = policyNames.flatMap((name) => tried[name].flatMap((value) => (policyOperation(name).moves ? (['bicubic', 'bilinear'] as const) : (['bicubic'] as const)).map((reading) => [name, value, reading] as const)));
  expect(new Set(cases.map(([name]) => name)).size).toBe(15);
  mkdirSync(folder, { recursive: true });
  const python = await pythonWith(['pillow==13.0.0']);
  if (!python) return;
  await runPython(python, script, [photo, folder, JSON.stringify(cases)]);
  const { data, info } = await sharp(photo).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const kernels = new Kernels();
  let exact = 0;
  for (const [number, [name, value, reading]] of cases.entries()) {
    kernels.reset();
    const picture = kernels.picture(data, info.width, info.height);
    policyOperation(name).apply(kernels, picture, value, reading);
    const [ours, theirs] = [kernels.pixels(picture), readFileSync(join(folder, `${number}.rgb`))];
    expect(ours.length).toBe(theirs.length);
    let different = 0, most = 0;
    ours.forEach((v, i) => {
      const by = Math.abs(v - theirs[i]!);
      if (by > 0) different++;
      most = Math.max(most, by);
    });
    if (different === 0) exact++;
    else console.log(`${name} ${value} ${reading}: ${different} of ${ours.length} bytes differ, by ${most} at most`);
    // Transforms are computed in single precision and cut, as Pillow's doubles are: a value at a whole number may fall on its other side, which
    // happens often where the slope is a simple fraction.
    expect(different / ours.length, `${name} ${value} ${reading}`).toBeLessThan(policyOperation(name).moves ? 0.02 : 1e-9);
    expect(most, `${name} ${value} ${reading}`).toBeLessThanOrEqual(policyOperation(name).moves ? 1 : 0);
  }
  console.log(`${exact} of ${cases.length} are equal to the byte`);
});

test('draws are spread as the recipe says, and follow from the generator alone', () => {
  const spec = { op: 'randAugment' as const, p: 1, operations: 2, chance: 0.5, magnitude: 9, deviation: 0.5, interpolation: 'random' as const };
  const counts = new Map<string, number>();
  let applied = 0, moved = 0, twice = 0;
  const angles: number[] = [], readings: string[] = [];
  const draws = 8000;
  for (let i = 0; i < draws; i++) {
    const drawn = randAugment.draw(new Random(1, i), spec);
    expect(randAugment.draw(new Random(1, i), spec)).toEqual(drawn);
    applied += drawn.order.length;
    readings.push(...drawn.interpolation);
    for (const label of drawn.order) counts.set(label.split(' ')[0]!, (counts.get(label.split(' ')[0]!) ?? 0) + 1);
    if (drawn.order[1]?.endsWith(' 2')) twice++;
    if (movesPixels('randAugment', drawn)) moved++;
    if (typeof drawn.rotate === 'number') angles.push(drawn.rotate);
  }
  expect(Math.abs(applied / draws - 1)).toBeLessThan(0.03);
  for (const name of policyNames) expect(Math.abs(counts.get(name)! / draws - 1 / 15)).toBeLessThan(0.011);
  // Of two that are both applied (a quarter), a fifteenth are the same.
  expect(Math.abs(twice / draws - 1 / 60)).toBeLessThan(0.006);
  // Each slot moves pixels with probability a half times five fifteenths.
  expect(Math.abs(moved / draws - (1 - (5 / 6) ** 2))).toBeLessThan(0.02);
  expect(Math.abs(readings.filter((reading) => reading === 'bicubic').length / readings.length - 0.5)).toBeLessThan(0.025);
  const magnitudes = angles.map((angle) => Math.abs(angle) / 3);
  const mean = magnitudes.reduce((a, b) => a + b) / magnitudes.length;
  // N(9, .5) with what is beyond 10 (one in 44) put there.
  expect(Math.abs(mean - 9)).toBeLessThan(0.06);
  expect(Math.max(...magnitudes)).toBeLessThanOrEqual(10 + 1e-12);
  expect(Math.abs(angles.filter((angle) => angle > 0).length / angles.length - 0.5)).toBeLessThan(0.06);
});
