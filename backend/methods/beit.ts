/** BEiT (Bao et al., ICLR 2022): the encoder sees a mask token in the place of masked patches and tells their codes. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { dropPath } from '../nn/dropPath.ts';
import { encode, encoderNorm, encoderSpecs, learnedPositionSpec, readRows, tokenRows, tokenSpec } from '../nn/encoder.ts';
import { linearLayer, linearSpecs, norm, normSpecs } from '../nn/layers.ts';
import { transformerDimensions, type ModelConfig } from '../nn/model.ts';
import { Scope, type Parameters, type ParameterSpec } from '../nn/parameters.ts';
import { relativeBiasSpecs } from '../nn/relativeBias.ts';
import { gatherRows } from '../ops/gatherTokens.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { softCrossEntropy } from '../ops/softCrossEntropy.ts';
import type { BeitOptions } from './beit.options.ts';
import { beitSpecs } from './beitNames.ts';
import { timmInitial } from './distillation.ts';
import { featureStatistics } from './featureStatistics.ts';
import type { Method, MethodBatch, MethodOutput, Picture, StepContext } from './method.ts';
import { loadTokenizer, pictureLogits, projectionCodes, tokenizerSpecs } from './tokenizer.ts';

function specs(model: ModelConfig, options: BeitOptions): ParameterSpec[] {
  const { width, grid, heads } = transformerDimensions(model);
  return [
    ...beitSpecs(timmInitial([
      ...encoderSpecs(model, true),
      tokenSpec('mask_token', width),
      ...(options.positions === 'relative' ? relativeBiasSpecs(heads, grid) : [learnedPositionSpec(width, grid)]),
      ...normSpecs('norm', width, encoderNorm(model)),
      ...linearSpecs('lm_head', width, options.vocabulary),
    ]), width),
    ...tokenizerSpecs(model, options),
  ];
}

/** The tokenizer's own view. Throws InputError where the batch has none. */
function tokenizerPicture({ pictures }: MethodBatch): Picture {
  const picture = pictures?.tokenizer;
  if (!picture) throw new InputError('this batch has no view of the tokenizer\'s own, whose pixels BEiT\'s dVAE reads');
  return picture;
}

/** Codes of all patches, [B N]. */
function codesOf(parameters: Parameters, { patchSize }: ModelConfig, options: BeitOptions, batch: MethodBatch): tf.Tensor {
  const { patches } = batch.views[0]!;
  return options.tokenizer === 'projection' ? projectionCodes(parameters, tf.reshape(patches, [-1, patches.shape[2]!]), patchSize) : tf.argMax(pictureLogits(parameters, options, tokenizerPicture(batch)), 1);
}

/** Codes of the masked patches, [M]. */
function hiddenCodes(parameters: Parameters, model: ModelConfig, options: BeitOptions, batch: MethodBatch): tf.Tensor {
  const { patches, hidden } = batch.views[0]!;
  if (batch.codes) return tf.gather(tf.tensor1d(batch.codes, 'int32'), hidden!);
  // A dVAE reads whole images; patches that nobody asks for need no projection.
  return options.tokenizer === 'projection' ? projectionCodes(parameters, gatherRows(tf.reshape(patches, [-1, patches.shape[2]!]), hidden!), model.patchSize) : tf.gather(codesOf(parameters, model, options, batch), hidden!);
}

function forward(parameters: Parameters, model: ModelConfig, options: BeitOptions, given: MethodBatch, step: StepContext): MethodOutput {
  const { depth, patches: count } = transformerDimensions(model);
  const p = new Scope(parameters);
  const { patches, mask, hidden } = given.views[0]!;
  if (!mask || !hidden) throw new InputError('BEiT learns from masked patches alone, and this batch has none: give its view a mask');
  const codes = withoutGradient(() => tf.tidy(() => hiddenCodes(parameters, model, options, given)));
  const hooks = { drop: dropPath(model.dropPath, depth, step.draw), replaced: { mask, token: p.get('mask_token') }, read: readRows(tokenRows(hidden, count)) };
  const read = encode(p, model, patches, p.has('pos_embed') ? p.get('pos_embed') : null, null, true, hooks);
  const features = norm(p.at('norm'), read, encoderNorm(model), true);
  const logits = linearLayer(p.at('lm_head'), features);
  const targets = withoutGradient(() => tf.cast(tf.oneHot(codes, options.vocabulary), 'float32'));
  const loss = tf.mean(softCrossEntropy(logits, targets, 1));
  const metrics = withoutGradient(() => ({
    cross_entropy: tf.clone(loss),
    accuracy: tf.mean(tf.cast(tf.equal(tf.argMax(logits, -1), codes), 'float32')),
    masked_positions: tf.scalar(hidden.size),
    distinct_codes: tf.sum(tf.max(targets, 0)),
    ...featureStatistics(features),
  }));
  return { loss, metrics, intermediates: { logits } };
}

export const beit: Method<BeitOptions> = {
  name: 'beit', specs, momentumPairs: () => [], encoders: { online: '', target: '' }, pictures: ['tokenizer'], forward,
  prepare: (parameters, _model, options) => loadTokenizer(parameters, options),
  codes: (parameters, model, options, batch) => tf.reshape(codesOf(parameters, model, options, batch), batch.views[0]!.patches.shape.slice(0, 2)),
  codeCount: ({ vocabulary }) => vocabulary,
};
