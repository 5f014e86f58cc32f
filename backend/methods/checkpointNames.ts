/** Checkpoints of the official codes by our parameters' names: what each code puts around the names, or leaves out. */
import { modelStateDict } from '../formats/stateDict.ts';
import type { TensorFile, TensorInfo } from '../formats/tensorFile.ts';
import type { ParameterSpec } from '../nn/parameters.ts';

/** Dictionaries of a file that are no part of a parameter's name, and the wrapper of multi-process training wherever it stands. */
const around = /^(state_dict|model|dino_loss|ibot_loss)\.|(?<=^|\.)(module|_orig_mod)\./g;

/** Branches that the official codes leave unnamed where there is only one in question, such as in a list of gradients. */
const branches = ['student.', 'encoder.'];

/** A tensor's name without what training code puts around a model's. */
export const bareName = (name: string): string => name.replace(around, '').replace(around, '');

/** Our name of a parameter that an official code calls `name`. */
export function ownName(name: string, ours: ReadonlySet<string>): string {
  const bare = bareName(name);
  return ours.has(bare) ? bare : (branches.map((branch) => branch + bare).find((own) => ours.has(own)) ?? bare);
}

/** The file's tensors by our names. Methods whose parameters have no branch in their names are looked for where training code nests its model. */
export function checkpointTensors(file: TensorFile, specs: readonly ParameterSpec[]): ReadonlyMap<string, TensorInfo> {
  const ours = new Set(specs.filter(({ optional }) => !optional).map(({ name }) => name));
  const found = new Map(file.tensors.map((tensor) => [bareName(tensor.name), tensor]));
  return [...ours].every((name) => found.has(name)) ? found : modelStateDict(file).tensors;
}
