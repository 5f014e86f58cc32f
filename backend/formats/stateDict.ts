/** Which of a checkpoint's tensors are the model's, and under which names: training code nests and prefixes them in its own ways. */
import { InputError } from '../errors.ts';
import type { TensorFile, TensorInfo } from './tensorFile.ts';

export interface StateDict {
  /** The dictionary of the file that holds the tensors, '' for the top level. */
  container: string;
  /** The tensors by the model's own names; `TensorInfo.name` is what the file calls them. */
  tensors: ReadonlyMap<string, TensorInfo>;
}

/**
 * Where training code puts its model, in the order of preference: MAE, SiameseIM, DeiT and BEiT `model`; MoCo-v3,
 * OpenMMLab and Lightning `state_dict`; DINO and iBOT `teacher` (the evaluated one) and `student`; MSN `target_encoder` and `encoder`.
 */
const modelContainers = ['model', 'state_dict', 'model_state_dict', 'teacher', 'student', 'target_encoder', 'encoder', 'backbone', 'network', 'net', 'module'];

/** What multi-process and compiled training put before every name (DistributedDataParallel, torch.compile). */
const wrapperPrefixes = ['module.', '_orig_mod.'];

/**
 * The model's own state dict, without multi-process prefixes. `container` asks for one dictionary of the file
 * (`student`, say); otherwise the first one of the usual names is taken, else the file's top level.
 * Throws InputError where the file has no such dictionary.
 */
export function modelStateDict(file: TensorFile, container?: string): StateDict {
  const chosen = container ?? modelContainers.find((name) => file.containers.includes(name)) ?? '';
  if (!file.containers.includes(chosen)) {
    const found = file.containers.filter((name) => name !== '').slice(0, 8).join(', ');
    throw new InputError(`${file.path} has no tensors ${chosen ? `in "${chosen}"` : 'at its top level'}${found ? `, only in: ${found}` : ''}: save the model's state_dict() to a file of its own`);
  }
  return { container: chosen, tensors: withoutWrappers(directTensors(file, chosen)) };
}

/** The tensors that the container holds itself, not those of dictionaries inside it. */
function directTensors(file: TensorFile, container: string): Map<string, TensorInfo> {
  const prefix = container ? `${container}.` : '';
  const inner = file.containers.filter((name) => name !== container && name.startsWith(prefix)).map((name) => `${name}.`);
  const own = file.tensors.filter(({ name }) => name.startsWith(prefix) && !inner.some((other) => name.startsWith(other)));
  return new Map(own.map((tensor) => [tensor.name.slice(prefix.length), tensor]));
}

function withoutWrappers(tensors: Map<string, TensorInfo>): Map<string, TensorInfo> {
  for (const prefix of wrapperPrefixes) {
    if (tensors.size > 0 && [...tensors.keys()].every((name) => name.startsWith(prefix))) {
      return withoutWrappers(new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor])));
    }
  }
  return tensors;
}
