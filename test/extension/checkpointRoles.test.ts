/** What each tensor of a checkpoint is for, by its name alone: every published code's, ours, and names that are nothing. */
import { performance } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import type { TensorInfo } from '../../backend/formats/tensorFile.ts';
import { discreteVaeEncoderSpecs, discreteVaeSpecs } from '../../backend/nn/discreteVae.ts';
import type { ParameterSpec } from '../../backend/nn/parameters.ts';
import { rolesOf } from '../../extension/checkpoint/roles.ts';
import { TensorTree } from '../../extension/checkpoint/tree.ts';

describe('what tensors are for', () => {
  const blocks = ['blocks.0.attn.qkv.weight', 'blocks.1.attn.qkv.weight', 'patch_embed.proj.weight', 'pos_embed', 'cls_token'];
  const groups = (names: string[]): [string | null, Record<string, string>] => {
    const { method, roles } = rolesOf(names);
    return [method, Object.fromEntries(names.map((name, i) => [name, `${roles[i]!.target ? 'target ' : ''}${roles[i]!.part}`]))];
  };

  test.each<[method: string | null, names: Record<string, string>]>([
    ['SiameseIM', { 'model.cls_token': 'encoder', 'model.blocks.0.norm1.weight': 'encoder', 'model.decoder_embed.weight': 'projector', 'model.projector_decoder_blocks.0.norm1.weight': 'projector', 'model.predictor_decoder_blocks.0.attn.qkv.weight': 'predictor', 'model.decoder_pos_mlp.weight': 'predictor', 'model.mask_token': 'predictor', 'model.decoder_pred.weight': 'predictor', 'model.mm_cls_token': 'target encoder', 'model.mm_blocks.0.norm1.weight': 'target encoder', 'model.mm_projector_decoder_blocks.0.norm1.weight': 'target projector', 'optimizer.state.0.exp_avg': 'optimizer' }],
    ['MAE', { 'model.blocks.0.attn.qkv.weight': 'encoder', 'model.decoder_embed.weight': 'decoder', 'model.mask_token': 'decoder', 'model.decoder_pos_embed': 'decoder', 'model.decoder_blocks.0.norm1.weight': 'decoder', 'model.decoder_pred.bias': 'decoder' }],
    ['MoCo-v3', { 'state_dict.module.base_encoder.blocks.0.attn.qkv.weight': 'encoder', 'state_dict.module.base_encoder.head.0.weight': 'projector', 'state_dict.module.momentum_encoder.cls_token': 'target encoder', 'state_dict.module.momentum_encoder.head.7.running_mean': 'target projector', 'state_dict.module.predictor.0.weight': 'predictor' }],
    ['DINO', { 'student.module.backbone.cls_token': 'encoder', 'student.module.head.mlp.0.weight': 'projector', 'student.module.head.last_layer.weight_v': 'projector', 'teacher.backbone.blocks.0.norm1.bias': 'target encoder', 'teacher.head.last_layer.weight_g': 'target projector', 'dino_loss.center': 'objective', 'optimizer.state.1.exp_avg_sq': 'optimizer', 'fp16_scaler.scale': 'optimizer' }],
    ['iBOT', { 'student.module.backbone.masked_embed': 'encoder', 'student.module.head.last_layer2.weight_v': 'projector', 'teacher.backbone.pos_embed': 'target encoder', 'ibot_loss.center2': 'objective' }],
    ['MSN', { 'encoder.module.blocks.0.attn.qkv.weight': 'encoder', 'encoder.module.fc.fc1.weight': 'projector', 'target_encoder.module.blocks.0.attn.qkv.weight': 'target encoder', 'target_encoder.module.fc.bn1.running_var': 'target projector', prototypes: 'prototypes', 'opt.state.0.exp_avg': 'optimizer' }],
    ['DenseCL', { 'state_dict.encoder_q.0.conv1.weight': 'encoder', 'state_dict.encoder_q.1.mlp.0.weight': 'projector', 'state_dict.encoder_q.1.mlp2.0.weight': 'projector', 'state_dict.encoder_k.0.layer1.0.conv1.weight': 'target encoder', 'state_dict.encoder_k.1.mlp2.2.bias': 'target projector', 'state_dict.queue': 'queue', 'state_dict.queue2_ptr': 'queue', 'state_dict.backbone.conv1.weight': 'encoder' }],
    ['BEiT', { 'model.cls_token': 'encoder', 'model.mask_token': 'encoder', 'model.rel_pos_bias.relative_position_bias_table': 'encoder', 'model.blocks.0.gamma_1': 'encoder', 'model.blocks.0.attn.q_bias': 'encoder', 'model.lm_head.weight': 'head' }],
    ['dVAE (BEiT\'s tokenizer)', { 'blocks.input.w': 'tokenizer', 'blocks.group_1.block_1.res_path.conv_1.w': 'tokenizer', 'blocks.output.conv.b': 'tokenizer' }],
    ['dVAE (decoder alone)', { 'blocks.input.w': 'decoder', 'blocks.group_1.block_1.id_path.w': 'decoder', 'blocks.output.conv.b': 'decoder' }],
    ['dVAE (BEiT\'s tokenizer)', { 'weights.codebook.weight': 'decoder', 'weights.encoder.0.0.weight': 'tokenizer', 'weights.encoder.3.bias': 'tokenizer', 'weights.decoder.0.0.weight': 'decoder', 'weights.decoder.3.weight': 'decoder' }],
    ['supervised Vision Transformer', { 'model.blocks.0.attn.qkv.weight': 'encoder', 'model.patch_embed.proj.weight': 'encoder', 'model.head.weight': 'head', 'model.fc_norm.weight': 'encoder' }],
    ['ResNet', { 'conv1.weight': 'encoder', 'layer1.0.conv1.weight': 'encoder', 'layer4.2.bn3.weight': 'encoder', 'fc.weight': 'head' }],
    ['optimizer state', { step: 'optimizer', target_updates: 'optimizer', 'exp_avg.cls_token': 'optimizer', 'exp_avg_sq.blocks.0.norm1.weight': 'optimizer' }],
    [null, { 'transformer.h.0.mlp.c_fc.weight': 'other', wte: 'other' }],
  ])('%s', (method, names) => {
    expect(groups(Object.keys(names))).toEqual([method, names]);
  });

  test('every tensor of a dVAE that is trained here, of its encoder alone and of its optimizer', () => {
    const specs = (list: ParameterSpec[]): string[] => list.map(({ name }) => name);
    const shape = { layers: 3, width: 8, vocabulary: 16 };
    const whole = specs(discreteVaeSpecs(shape, 4)), encoder = specs(discreteVaeEncoderSpecs(shape));
    const part = (name: string): string => (name.startsWith('encoder.') ? 'tokenizer' : 'decoder');
    expect(groups(whole)).toEqual(['dVAE (BEiT\'s tokenizer)', Object.fromEntries(whole.map((name) => [name, part(name)]))]);
    expect(groups(encoder)).toEqual(['dVAE (BEiT\'s tokenizer)', Object.fromEntries(encoder.map((name) => [name, 'tokenizer']))]);
    expect(new Set(rolesOf(whole.map((name) => `exp_avg.${name}`)).roles.map(({ part }) => part))).toEqual(new Set(['optimizer']));
    const beit = ['blocks.0.attn.qkv.weight', 'lm_head.weight', ...encoder.map((name) => `tokenizer.${name}`)];
    expect(groups(beit)).toEqual(['BEiT', Object.fromEntries(beit.map((name, i) => [name, ['encoder', 'head'][i] ?? 'tokenizer']))]);
  });

  test('names of every wrapping come out as the model\'s own', () => {
    const names = ['', 'model.', 'state_dict.', 'module.', 'state_dict.module.', 'model._orig_mod.', 'teacher.backbone.', 'network.module.backbone.'].flatMap((prefix) => blocks.map((name) => prefix + name));
    for (const { part, own } of rolesOf(names).roles) expect([part, blocks.includes(own)]).toEqual(['encoder', true]);
  });

  test('names that are nothing, or everything, are harmless', () => {
    const names = ['', '.', '...', 'model.', '__proto__', 'constructor.prototype', 'mm_', 'a.'.repeat(500_000), 'x'.repeat(1_000_000), '\u0000', 'blocks.99999999999.attn.qkv.weight'];
    const began = performance.now();
    const roles = rolesOf(names);
    const infos = names.map((name): TensorInfo => ({ name, dtype: 'F32', shape: [1], bytes: 4 }));
    const tree = new TensorTree(infos, roles);
    const open = new Set<string>();
    for (let round = 0; round < 30; round++) for (const { key, kind } of tree.rows('', open, 0, 500, new Map()).rows) if (kind === 'group') open.add(key);
    const { rows, total } = tree.rows('', open, 0, 500, new Map());
    expect(rows.filter(({ kind }) => kind === 'tensor').map((row) => row.tensor).sort((a, b) => a! - b!)).toEqual(names.map((_, i) => i));
    expect(total).toBe(rows.length);
    for (const { label } of rows) expect(label.length).toBeLessThan(400);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
