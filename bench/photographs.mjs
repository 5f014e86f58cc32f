// Makes a folder of 500x375 JPEG files with the statistics of photographs (1/f clouds, edges, grain), for the data benchmark:
//   node bench/photographs.mjs FOLDER [COUNT]
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

const [folder, count = '200'] = process.argv.slice(2);
if (!folder) throw new Error('usage: node bench/photographs.mjs FOLDER [COUNT]');
const width = 500;
const height = 375;

/** A seeded generator of numbers in [0, 1) (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Noise of one octave, upscaled to the picture. */
async function octave(random, cells) {
  const [w, h] = [cells, Math.max(2, Math.round((cells * height) / width))];
  const data = Buffer.from(Uint8Array.from({ length: w * h * 3 }, () => Math.floor(random() * 256)));
  return sharp(data, { raw: { width: w, height: h, channels: 3 } }).resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer();
}

async function photograph(seed) {
  const random = generator(seed);
  const sum = new Float32Array(width * height * 3);
  // Amplitude falls with frequency, as in natural images.
  for (const [cells, weight] of [[3, 0.5], [8, 0.28], [24, 0.16], [70, 0.1], [200, 0.06]]) {
    const noise = await octave(random, cells);
    for (let i = 0; i < sum.length; i++) sum[i] += weight * (noise[i] - 128);
  }
  const shapes = Array.from({ length: 12 }, () => ({ x: random() * width, y: random() * height, r: 12 + random() * 70, tint: [0, 1, 2].map(() => (random() - 0.5) * 140) }));
  const pixels = Buffer.alloc(sum.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const inside = shapes.filter((s) => (s.x - x) ** 2 + (s.y - y) ** 2 < s.r ** 2);
      const grain = (random() - 0.5) * 10;
      for (let c = 0; c < 3; c++) {
        const i = (y * width + x) * 3 + c;
        pixels[i] = Math.max(0, Math.min(255, 128 + sum[i] + grain + inside.reduce((t, s) => t + s.tint[c], 0)));
      }
    }
  return sharp(pixels, { raw: { width, height, channels: 3 } }).jpeg({ quality: 90 }).toBuffer();
}

await mkdir(folder, { recursive: true });
let bytes = 0;
for (let i = 0; i < Number(count); i++) {
  const jpeg = await photograph(i + 1);
  bytes += jpeg.length;
  await writeFile(join(folder, `${String(i).padStart(5, '0')}.jpg`), jpeg);
}
console.log(`${count} photographs in ${folder}, ${Math.round(bytes / Number(count) / 1024)} KiB each`);
