/** Takes the encoder out of a dVAE's checkpoint, as a small file for `method.tokenizerWeights` of a BEiT run. */
import { resolve } from 'node:path';
import { InputError } from '../errors.ts';
import { writeAtomically } from '../formats/atomic.ts';
import { openTensorFile, writeSafetensors } from '../formats/tensorFile.ts';
import { modelFileOf } from '../train/checkpoint.ts';
import { runOf } from './load.ts';

export interface TokenizerExport {
  output: string;
  bytes: number;
  /** What a BEiT run file's method says to use it. */
  method: { name: 'beit'; tokenizer: 'trained'; tokenizerWeights: string; tokenizerWidth: number; tokenizerStride: number; vocabulary: number };
}

/** Writes the encoder of a run of method dvae (its folder, or one of its checkpoints). Throws InputError where the checkpoint is of another method. */
export async function exportTokenizer(checkpoint: string, output: string): Promise<TokenizerExport> {
  const [{ method, model }, path] = [await runOf(resolve(checkpoint)), await modelFileOf(checkpoint)];
  if (method.name !== 'dvae') throw new InputError(`${checkpoint} is of method ${method.name}, and a tokenizer is trained by method dvae: begin with "siamscope tokenizer --data IMAGES --out FILE"`);
  if (resolve(path) === resolve(output)) throw new InputError(`${output} is the checkpoint itself: give another file to write`);
  const file = await openTensorFile(path);
  try {
    const tensors = file.tensors.filter(({ name }) => name.startsWith('encoder.')).map(({ name, dtype, shape }) => ({ name, dtype, shape, data: () => file.read(name) }));
    const used = { name: 'beit' as const, tokenizer: 'trained' as const, tokenizerWeights: resolve(output), tokenizerWidth: method.width, tokenizerStride: model.patchSize, vocabulary: method.vocabulary };
    const { tokenizerWeights: _path, ...described } = used;
    const { bytes } = await writeAtomically(output, (temporary) => writeSafetensors(temporary, tensors, { format: 'pt', method: JSON.stringify(described) }));
    return { output, bytes, method: used };
  } finally {
    await file.close();
  }
}
