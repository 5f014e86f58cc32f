/** Fine-tuning's start: the encoder of a checkpoint, of ours or of the official codes, taken over into a model that is to be trained on labels. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { encoderScope, hasTarget, type FeatureModel } from '../evaluate/features.ts';
import { openModel } from '../evaluate/load.ts';
import { resizedModel } from '../evaluate/resize.ts';
import type { Branch } from '../methods/method.ts';
import type { MethodConfig } from '../methods/registry.ts';
import { transformerDimensions } from '../nn/model.ts';
import type { Parameters } from '../nn/parameters.ts';
import { relativeTable, sharedBias } from '../nn/relativeBias.ts';
import type { RunConfig } from './config.ts';

/** The branch that the authors of each method evaluate: DINO's, iBOT's and MSN's is the target. */
export const evaluatedBranch = (method: MethodConfig['name']): Branch => (['dino', 'ibot', 'msn'].includes(method) ? 'target' : 'online');

/** What stays as it was drawn: the classifier, and the norm before it where patches are pooled. */
const isFresh = (name: string): boolean => /^(head|fc_norm)\./.test(name);

/**
 * Sets the encoder of a supervised model, and what starts as its copy, to that of a checkpoint; positions are resized by the rule of the
 * checkpoint's method. Returns what there is to say. Throws InputError where the two are not the same encoder.
 */
export async function initialiseEncoder(parameters: Parameters, { model }: Pick<RunConfig, 'model'>, { checkpoint, branch: asked, heads }: NonNullable<RunConfig['initial']>): Promise<string[]> {
  const opened = await openModel(checkpoint, heads);
  const branch = branchOf(opened, asked);
  refuseOthers(opened, parameters, model, checkpoint);
  const source = resizedModel(opened, model.imageSize);
  try {
    const scope = encoderScope(source, branch);
    const values = (name: string): tf.Tensor | null => encoderValues((own) => (scope.has(own) ? scope.get(own) : own === 'pos_embed' && source.parameters.has(own) ? source.parameters.get(own) : null), name);
    for (const { name, copyOf } of parameters.specs) {
      const own = copyOf ?? name;
      if (isFresh(own)) continue;
      const variable = parameters.get(name);
      tf.tidy(() => {
        const found = values(own);
        if (!found && own.startsWith('norm.')) return;
        if (found?.size !== variable.size) throw new InputError(`${checkpoint} ${found ? `has ${own} of shape [${found.shape.join(', ')}], and the model of this run [${variable.shape.join(', ')}]` : `has no ${own}, which the model of this run has`}: set model as the checkpoint's is`);
        variable.assign(tf.reshape(found, variable.shape));
      });
    }
    return [`the encoder starts from ${checkpoint}, ${source.method.name}${hasTarget(source) ? `, ${branch} branch` : ''}${opened.assumptions.length > 0 ? `; assumed: ${opened.assumptions.join(', ')}` : ''}`];
  } finally {
    source.parameters.dispose();
  }
}

/** The branch that is taken of a model. */
export const branchOf = (m: Pick<FeatureModel, 'method' | 'parameters'>, asked: Branch | null): Branch => (hasTarget(m) ? (asked ?? evaluatedBranch(m.method.name)) : 'online');

/** How an encoder's patches know their places, as `method.positions` of supervised training has it. */
export function positionsOf({ specs }: Parameters): 'learned' | 'relative' | 'relative-shared' {
  const table = specs.find(({ name }) => name.endsWith(relativeTable));
  return !table ? 'learned' : table.name.includes(sharedBias) ? 'relative-shared' : 'relative';
}

function refuseOthers({ model: own, parameters }: FeatureModel, wanted: Parameters, model: RunConfig['model'], checkpoint: string): void {
  const [has, needs] = [positionsOf(parameters), positionsOf(wanted)];
  // A shared bias serves as every block's own, as BEiT's authors fine-tune.
  if (has !== needs && !(has === 'relative-shared' && needs === 'relative')) throw new InputError(`the encoder of ${checkpoint} has ${has === 'learned' ? 'an embedding for each place' : `BEiT's biases for offsets, ${has === 'relative' ? 'of each block' : 'one for all blocks'}`}, and this run's model something else: set method.positions=${has}`);
  const [a, b] = [transformerDimensions(own), transformerDimensions(model)];
  for (const key of ['width', 'depth', 'heads', 'patchSize'] as const) if (a[key] !== b[key]) throw new InputError(`the encoder of ${checkpoint} has ${key} ${a[key]}, and this run's model ${b[key]}: set model.${key}=${a[key]}`);
}

/** An encoder's tensor by the name that the supervised model has for it; BEiT has other ones. Null where there is none. */
function encoderValues(get: (name: string) => tf.Tensor | null, name: string): tf.Tensor | null {
  const found = get(name);
  if (found) return found;
  if (/^blocks\.\d+\.attn\./.test(name) && name.endsWith(relativeTable)) return get(`${sharedBias}.${relativeTable}`);
  const scale = /^(.*)\.ls([12])\.gamma$/.exec(name);
  if (scale) return get(`${scale[1]}.gamma_${scale[2]}`);
  if (!name.endsWith('.attn.qkv.bias')) return null;
  const prefix = name.slice(0, -'qkv.bias'.length), [q, v] = [get(`${prefix}q_bias`), get(`${prefix}v_bias`)];
  // A bias of keys changes no attention.
  return q && v ? tf.concat([q, tf.zeros(q.shape), v], 0) : null;
}
