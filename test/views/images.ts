/** A run file over a few pictures, for the views' tests. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const photos = join(import.meta.dirname, '../fixtures/photos');

/** Copies the test's photographs beside a run file; its text has a style of its own, which edits keep. */
export function writeLabRun(folder: string, over: object = {}): { file: string; images: string; text: string } {
  const images = join(folder, 'images');
  mkdirSync(folder, { recursive: true });
  cpSync(photos, images, { recursive: true });
  const file = join(folder, 'lab.siam.json');
  const text = `${JSON.stringify({ name: 'lab', seed: 3, data: { train: 'images' }, model: { arch: 'vit_small' }, schedule: { epochs: 10 }, ...over }, null, 4)}\n`;
  writeFileSync(file, text);
  return { file, images, text };
}
