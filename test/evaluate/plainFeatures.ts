/** Features of an image's patches by the plain encoder, from the files alone: what matches are held against. */
import sharp from 'sharp';
import { openTensorFile } from '../../backend/formats/tensorFile.ts';
import { modelStateDict } from '../../backend/formats/stateDict.ts';
import { encodePlainly } from './plainEncoder.ts';

const mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225];

/** Rows of length 1, one a patch in reading order, without the class token. The image is square and of the model's size. */
export async function plainPatchFeatures(checkpoint: string, image: string, heads: number): Promise<Float64Array[]> {
  const file = await openTensorFile(checkpoint);
  const weights = new Map<string, { shape: number[]; values: Float32Array }>();
  for (const [name, tensor] of modelStateDict(file).tensors) weights.set(name, { shape: tensor.shape, values: await file.readFloat32(tensor.name) });
  await file.close();
  const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const area = info.width * info.height;
  const normalised = Float32Array.from({ length: 3 * area }, (_, k) => (data[(k % area) * 3 + Math.floor(k / area)]! / 255 - mean[Math.floor(k / area)]!) / std[Math.floor(k / area)]!);
  const tokens = encodePlainly(weights, normalised, 1, { heads, eps: 1e-6 });
  const patches = (info.width / weights.get('patch_embed.proj.weight')!.shape[3]!) ** 2, width = tokens.length / (patches + 1);
  return Array.from({ length: patches }, (_, p) => {
    const row = tokens.subarray((p + 1) * width, (p + 2) * width);
    const length = Math.hypot(...row);
    return row.map((v) => v / length);
  });
}
