/** The generated images of the demo: what the rest of the program may use. */
export { generateImages, type GeneratedImages, type GenerateOptions } from './generate.ts';
export { classNames } from './objects/index.ts';
export { renderImage, type ImageKey } from './scene.ts';
