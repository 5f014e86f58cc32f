/** Drawing the crop of a view: torchvision's RandomResizedCrop.get_params. */
import type { Random } from '../random.ts';
import type { CropSpec } from './plan.ts';

export interface Box {
  top: number;
  left: number;
  height: number;
  width: number;
}

const tries = 10;

/** A box of random area (a share of the image) and aspect (even in its logarithm); after ten that do not fit, the greatest centred one of a permitted aspect. */
export function drawCrop(random: Random, imageWidth: number, imageHeight: number, { scale, ratio }: CropSpec): Box {
  const area = imageWidth * imageHeight;
  for (let i = 0; i < tries; i++) {
    const target = area * random.uniform(scale[0], scale[1]);
    const aspect = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
    const width = Math.round(Math.sqrt(target * aspect));
    const height = Math.round(Math.sqrt(target / aspect));
    if (width > 0 && height > 0 && width <= imageWidth && height <= imageHeight)
      return { top: random.integer(0, imageHeight - height), left: random.integer(0, imageWidth - width), height, width };
  }
  return centredBox(imageWidth, imageHeight, ratio);
}

function centredBox(imageWidth: number, imageHeight: number, [low, high]: readonly [number, number]): Box {
  const aspect = imageWidth / imageHeight;
  let width = imageWidth;
  let height = imageHeight;
  if (aspect < low) height = Math.min(imageHeight, Math.max(1, Math.round(imageWidth / low)));
  else if (aspect > high) width = Math.min(imageWidth, Math.max(1, Math.round(imageHeight * high)));
  return { top: Math.floor((imageHeight - height) / 2), left: Math.floor((imageWidth - width) / 2), height, width };
}
