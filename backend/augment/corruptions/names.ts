/** The corruptions' published names and levels, apart from what they compute, so that the command line can list them. */

export const corruptionNames = ['gaussian_noise', 'shot_noise', 'impulse_noise', 'defocus_blur', 'glass_blur', 'motion_blur', 'zoom_blur', 'snow', 'frost', 'fog', 'brightness', 'contrast', 'elastic_transform', 'pixelate', 'jpeg_compression'] as const;
export type CorruptionName = (typeof corruptionNames)[number];

export const corruptionLevels = [1, 2, 3, 4, 5] as const;
export type Level = (typeof corruptionLevels)[number];
