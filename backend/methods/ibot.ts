/** iBOT (Zhou et al., ICLR 2022): DINO on class tokens, and masked patches of the student's view that are to tell what the teacher's tell of the same places. */
import * as tf from '@tensorflow/tfjs-core';
import type { Read } from '../nn/block.ts';
import { encoderNorm, readClass, readRows, tokenRows } from '../nn/encoder.ts';
import { norm } from '../nn/layers.ts';
import { transformerDimensions, type ModelConfig } from '../nn/model.ts';
import { copied, followers, prefixed, Scope, type Parameters, type ParameterSpec } from '../nn/parameters.ts';
import { gatherRows } from '../ops/gatherTokens.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { softCrossEntropy } from '../ops/softCrossEntropy.ts';
import { bottleneck, classAssignment, classTokens, crossViewLoss, groupTokens, lastLayer, lastLayerSpecs, mlpSpecs, targetStatistics, teacherDistribution, timmSpecs } from './distillation.ts';
import type { IbotOptions } from './dino.options.ts';
import { featureStatistics } from './featureStatistics.ts';
import type { Method, MethodBatch, MethodOutput, StepContext, ViewTensors } from './method.ts';

const lastOfClass = 'last_layer', lastOfPatches = 'last_layer2';
/** The official file has a shared layer under both names. */
const shared = (branch: string, specs: ParameterSpec[]): ParameterSpec[] => specs.map((spec) => ({ ...spec, name: spec.name.replace(lastOfClass, lastOfPatches), aliasOf: `${branch}.head.${spec.name}`, trainable: false }));

function specs(model: ModelConfig, options: IbotOptions): ParameterSpec[] {
  const { width } = transformerDimensions(model);
  const backbone = timmSpecs(model), mlp = mlpSpecs(width, options), last = lastLayerSpecs(lastOfClass, options);
  const common = [...prefixed('backbone.', backbone), ...prefixed('head.', mlp)];
  const ofPatches = options.sharedHead ? shared('student', last) : lastLayerSpecs(lastOfPatches, options);
  // A teacher whose one layer serves both begins with the student's for patches where the student has two, since the official code loads that one last.
  const source = options.sharedHead ? lastOfClass : lastOfPatches;
  return [
    ...prefixed('student.', common),
    { name: 'student.backbone.masked_embed', shape: [1, width], initializer: { kind: 'zeros' }, trainable: true },
    ...prefixed('student.head.', [...last, ...ofPatches]),
    ...copied('student.', 'teacher.', common),
    ...last.map((spec): ParameterSpec => ({ ...spec, name: `teacher.head.${spec.name}`, trainable: false, copyOf: `student.head.${spec.name.replace(lastOfClass, source)}` })),
    ...prefixed('teacher.head.', shared('teacher', last)),
    { name: 'center', shape: [1, options.outputs], initializer: { kind: 'zeros' }, trainable: false },
    { name: 'center2', shape: [1, 1, options.outputs], initializer: { kind: 'zeros' }, trainable: false },
  ];
}

/** tokens [B, T, D] as the patches' rows [B N, D], after the final norm. */
function patchRows(scope: Scope, model: ModelConfig, tokens: tf.Tensor): tf.Tensor {
  const [batch, count, width] = tokens.shape as [number, number, number];
  return norm(scope.at('norm'), tf.reshape(tf.slice(tokens, [0, 1, 0], [batch, count - 1, width]), [batch * (count - 1), width]), encoderNorm(model), true);
}

/** Of the student's: all class tokens, and after those of the global views their masked patches. */
function readStudent({ patches, hidden }: ViewTensors, group: number): Read {
  if (!hidden || group > 0) return readClass;
  const [views, count] = patches.shape as [number, number];
  return readRows(withoutGradient(() => tf.tidy(() => tf.concat([tf.range(0, views * (count + 1), count + 1, 'int32'), tokenRows(hidden, count)]))));
}

/** What each masked patch counts for: the mean over an image's, over images, and over both views. */
function patchWeights(mask: tf.Tensor, hidden: tf.Tensor): tf.Tensor {
  const share = tf.div(mask, tf.mul(tf.maximum(tf.sum(mask, 1, true), 1), mask.shape[0]));
  return tf.reshape(gatherRows(tf.reshape(share, [share.size, 1]), hidden), [hidden.size]);
}

function forward(parameters: Parameters, model: ModelConfig, options: IbotOptions, { views }: MethodBatch, step: StepContext): MethodOutput {
  const { rates } = step;
  const batch = views[0]!.patches.shape[0];
  const center = parameters.get('center'), patchCenter = parameters.get('center2');
  const student = new Scope(parameters, 'student.'), teacher = new Scope(parameters, 'teacher.');
  const [globals, ...locals] = groupTokens(student.at('backbone'), model, views, step, readStudent);
  const { mask, hidden, patches: { shape: [globalViews] } } = globals!.views;
  const targets = withoutGradient(() => {
    const backbone = teacher.at('backbone');
    const { tokens } = groupTokens(backbone, model, views.slice(0, 2), null)[0]!;
    const features = classTokens(backbone, model, tokens);
    const last = teacher.at(`head.${lastOfClass}`);
    const classOutputs = lastLayer(last, bottleneck(teacher.at('head'), features), options);
    const patches = bottleneck(teacher.at('head'), patchRows(backbone, model, tokens));
    parameters.statistics?.follow(center, tf.mean(classOutputs, 0, true), 1 - options.centerMomentum);
    // The last layer is linear: the mean of its outputs is its output of the mean, and outputs themselves are needed of masked patches alone.
    const patchMean = lastLayer(last, tf.mean(patches, 0, true), options);
    parameters.statistics?.follow(patchCenter, tf.mean(tf.expandDims(patchMean, 0), 1, true), 1 - options.patchCenterMomentum);
    const patchOutputs = hidden && lastLayer(last, gatherRows(patches, hidden), options);
    return {
      features,
      classOutputs,
      classes: teacherDistribution(classOutputs, center, rates.teacher_temperature!),
      patches: patchOutputs && teacherDistribution(patchOutputs, tf.reshape(patchCenter, [1, options.outputs]), rates.teacher_patch_temperature!),
    };
  });

  const backbone = student.at('backbone');
  const normed = ({ tokens }: { tokens: tf.Tensor }): tf.Tensor => norm(backbone.at('norm'), tf.reshape(tokens, [-1, tokens.shape.at(-1)!]), encoderNorm(model), true);
  const [globalClasses, ...masked] = tf.split(normed(globals!), hidden ? [globalViews, hidden.size] : [globalViews]);
  const classes = [globalClasses!, ...locals.map(normed)];
  const vectors = bottleneck(student.at('head'), tf.concat([...classes, ...masked], 0));
  const rows = classes.reduce((sum, { shape }) => sum + shape[0], 0);
  const classOutputs = lastLayer(student.at(`head.${lastOfClass}`), tf.slice(vectors, [0, 0], [rows, options.bottleneckWidth]), options);
  const { loss } = crossViewLoss(classOutputs, targets.classes, batch, options.studentTemperature, false);
  const cls = tf.mul(loss, options.classWeight);
  const patchLoss = (): tf.Tensor => {
    if (!hidden || !mask || !targets.patches) return tf.scalar(0);
    const outputs = lastLayer(student.at(`head.${options.sharedHead ? lastOfClass : lastOfPatches}`), tf.slice(vectors, [rows, 0], [hidden.size, options.bottleneckWidth]), options);
    return tf.sum(tf.mul(softCrossEntropy(outputs, targets.patches, options.studentTemperature), withoutGradient(() => patchWeights(mask, hidden))));
  };
  const patch = tf.mul(patchLoss(), options.patchWeight);
  return {
    loss: tf.add(cls, patch),
    metrics: { cls, patch, ...targetStatistics(targets.classes), center_norm: withoutGradient(() => tf.norm(center)), patch_center_norm: withoutGradient(() => tf.norm(patchCenter)), ...featureStatistics(targets.features) },
    intermediates: { teacher_cls: targets.classOutputs, teacher_cls_probabilities: targets.classes },
  };
}

export const ibot: Method<IbotOptions> = {
  name: 'ibot',
  specs,
  // Each of the teacher's parameters follows the student's of its own name, whatever it began as.
  momentumPairs: (model, options) => followers(specs(model, options)).map(([target]) => [target, target.replace('teacher.', 'student.')]),
  momentumOrder: 'after',
  isFrozen: (name, rates) => rates.frozen_last_layer === 1 && name.includes('.last_layer'),
  encoders: { online: 'student.backbone.', target: 'teacher.backbone.' },
  forward,
  prototypeCount: ({ outputs }) => outputs,
  prototypes: (parameters, model, options, { views }) => classAssignment(parameters, model, options, views[0]!),
  codeCount: ({ outputs }) => outputs,
  // The teacher is the tokenizer: a patch's code is its most probable output, which no temperature changes.
  codes(parameters, model, options, { views }) {
    const teacher = new Scope(parameters, 'teacher.');
    const { tokens } = groupTokens(teacher.at('backbone'), model, [views[0]!], null)[0]!;
    const outputs = lastLayer(teacher.at(`head.${lastOfClass}`), bottleneck(teacher.at('head'), patchRows(teacher.at('backbone'), model, tokens)), options);
    return tf.reshape(tf.argMax(tf.sub(outputs, tf.reshape(parameters.get('center2'), [1, options.outputs])), 1), [tokens.shape[0], tokens.shape[1]! - 1]);
  },
};
