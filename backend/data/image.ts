/** One image file as a model takes it. */
import { Kernels } from '../augment/kernels.ts';
import { renderEvaluation } from '../augment/views.ts';
import { InputError } from '../errors.ts';
import type { Dataset } from './dataset.ts';
import { decodeImage } from './decode.ts';
import { SampleReader } from './sampleReader.ts';

/** The image as [size, size, 3] RGB: as it is where it has that size already, else by the evaluation crop. Rejects with InputError where it cannot be read. */
export const loadImage = (path: string, size: number): Promise<Uint8Array> => loadSample(imageDataset(path), 0, size);

/** The same of a dataset's image. */
export async function loadSample(dataset: Dataset, index: number, size: number): Promise<Uint8Array> {
  const kernels = new Kernels();
  try {
    const bytes = await dataset.read(index);
    const source = await decodeImage(kernels, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    const isReady = source.width === size && source.height === size;
    return kernels.pixels(isReady ? source : renderEvaluation(kernels, source, size)).slice();
  } catch (error) {
    throw new InputError(`the image ${dataset.file(index)} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** A dataset of one image, for views of it. */
export function imageDataset(path: string): Dataset {
  const location = { path, offset: 0, length: -1 };
  return { source: path, classes: [], length: 1, file: () => path, label: () => null, location: () => location, read: () => Promise.resolve(new SampleReader().read(location)) };
}

/** One image of a dataset, as a dataset of its own: views of it are those of the file alone. */
export const sampleDataset = (dataset: Dataset, index: number): Dataset => ({ source: dataset.source, classes: dataset.classes, length: 1, file: () => dataset.file(index), label: () => dataset.label(index), location: () => dataset.location(index), read: () => dataset.read(index) });
