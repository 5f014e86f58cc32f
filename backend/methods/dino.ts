/** DINO (Caron et al., ICCV 2021): self-distillation without labels, from global crops of an image to all of its crops. */
import * as tf from '@tensorflow/tfjs-core';
import { transformerDimensions, type ModelConfig } from '../nn/model.ts';
import { copied, followers, prefixed, Scope, type Parameters, type ParameterSpec } from '../nn/parameters.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { bottleneck, classAssignment, classFeatures, crossViewLoss, lastLayer, lastLayerSpecs, mlpSpecs, targetStatistics, teacherDistribution, timmSpecs } from './distillation.ts';
import type { DinoOptions } from './dino.options.ts';
import { featureStatistics } from './featureStatistics.ts';
import type { Method, MethodBatch, MethodOutput, StepContext } from './method.ts';

function specs(model: ModelConfig, options: DinoOptions): ParameterSpec[] {
  const branch = [
    ...prefixed('backbone.', timmSpecs(model)),
    ...prefixed('head.', [...mlpSpecs(transformerDimensions(model).width, options), ...lastLayerSpecs('last_layer', options)]),
  ];
  return [
    ...prefixed('student.', branch),
    ...copied('student.', 'teacher.', branch),
    { name: 'center', shape: [1, options.outputs], initializer: { kind: 'zeros' }, trainable: false },
  ];
}

function forward(parameters: Parameters, model: ModelConfig, options: DinoOptions, { views }: MethodBatch, step: StepContext): MethodOutput {
  const center = parameters.get('center');
  const batch = views[0]!.patches.shape[0];
  const teacher = withoutGradient(() => {
    const scope = new Scope(parameters, 'teacher.');
    const features = classFeatures(scope.at('backbone'), model, views.slice(0, 2), null);
    const outputs = lastLayer(scope.at('head.last_layer'), bottleneck(scope.at('head'), features), options);
    parameters.statistics?.follow(center, tf.mean(outputs, 0, true), 1 - options.centerMomentum);
    return { features, outputs, distributions: teacherDistribution(outputs, center, step.rates.teacher_temperature!) };
  });
  const student = new Scope(parameters, 'student.');
  const features = classFeatures(student.at('backbone'), model, views, step);
  const outputs = lastLayer(student.at('head.last_layer'), bottleneck(student.at('head'), features), options);
  const { loss, pairs } = crossViewLoss(outputs, teacher.distributions, batch, options.studentTemperature, step.detailed);
  return {
    loss,
    metrics: { ...pairs, ...targetStatistics(teacher.distributions), center_norm: withoutGradient(() => tf.norm(center)), ...featureStatistics(teacher.features) },
    intermediates: { student: outputs, student_features: features, teacher: teacher.outputs, teacher_features: teacher.features, teacher_probabilities: teacher.distributions },
  };
}

export const dino: Method<DinoOptions> = {
  name: 'dino',
  specs,
  momentumPairs: (model, options) => followers(specs(model, options)),
  momentumOrder: 'after',
  isFrozen: (name, rates) => rates.frozen_last_layer === 1 && name.includes('.last_layer'),
  encoders: { online: 'student.backbone.', target: 'teacher.backbone.' },
  forward,
  prototypeCount: ({ outputs }) => outputs,
  prototypes: (parameters, model, options, { views }) => classAssignment(parameters, model, options, views[0]!),
};
