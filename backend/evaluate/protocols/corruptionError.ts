/** From errors under each corruption to the published summary: the mean over levels, beside AlexNet's, and the mean of these. */
import { corruptionLevels, corruptionNames, type CorruptionName, type Level } from '../../augment/corruptions/names.ts';
import { wilson, type Rate } from '../rates.ts';

/** AlexNet's mean errors over the five levels of ImageNet-C (Hendrycks and Dietterich, ICLR 2019). */
export const alexNetErrors: { readonly [N in CorruptionName]: number } = {
  gaussian_noise: 0.886428, shot_noise: 0.894468, impulse_noise: 0.92264, defocus_blur: 0.81988, glass_blur: 0.826268, motion_blur: 0.785948, zoom_blur: 0.79836,
  snow: 0.866816, frost: 0.826572, fog: 0.819324, brightness: 0.564592, contrast: 0.853204, elastic_transform: 0.646056, pixelate: 0.71784, jpeg_compression: 0.6065,
};

export interface CorruptionErrors {
  corruption: CorruptionName;
  levels: { level: Level; error: Rate }[];
}

export interface CorruptionRow extends CorruptionErrors {
  /** Over the levels that were measured. */
  meanError: number;
  /** `meanError` over AlexNet's; null where these cannot be compared. */
  corruptionError: number | null;
}

export interface Robustness {
  /** On the images as they are. */
  cleanError: Rate;
  corruptions: CorruptionRow[];
  /** Over all corruptions that were measured. */
  meanError: number;
  /** Mean corruption error in percent of AlexNet's; null where that has no meaning. */
  mce: number | null;
  /** Without the frost, which is drawn here. */
  mceWithoutFrost: number | null;
  /** 100 - mCE. */
  robustness: number | null;
  /** What the numbers may be compared with. */
  notes: string[];
}

export const drawnFrost = 'frost is drawn, not photographed: not comparable with published frost errors';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** `isImageNet`: the classes are ImageNet's 1000 and images have 224 pixels, as AlexNet's errors were measured. */
export function summarize(clean: Rate, errors: readonly CorruptionErrors[], isImageNet: boolean): Robustness {
  const rows = errors.map((row): CorruptionRow => {
    const meanError = mean(row.levels.map(({ error }) => error.value));
    return { ...row, meanError, corruptionError: isImageNet && row.levels.length === corruptionLevels.length ? meanError / alexNetErrors[row.corruption] : null };
  });
  const relative = rows.flatMap(({ corruptionError }) => (corruptionError === null ? [] : [corruptionError]));
  const isWhole = relative.length === corruptionNames.length;
  const mce = isWhole ? 100 * mean(relative) : null;
  const notes = rows.some(({ corruption }) => corruption === 'frost') ? [drawnFrost] : [];
  if (!isImageNet) notes.push('AlexNet\'s errors are of ImageNet\'s 1000 classes at 224 pixels, so there is no mCE for these images: errors are as they are');
  else if (!isWhole) notes.push('mCE is the mean of all fifteen corruptions at five levels');
  return {
    cleanError: wilson(clean.total - clean.count, clean.total), corruptions: rows, meanError: mean(rows.map(({ meanError }) => meanError)), mce,
    mceWithoutFrost: isWhole ? 100 * mean(rows.filter(({ corruption }) => corruption !== 'frost').map(({ corruptionError }) => corruptionError!)) : null,
    robustness: mce === null ? null : 100 - mce, notes,
  };
}
