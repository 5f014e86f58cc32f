/** Where the official codes keep the encoders of their branches, so that any of their checkpoints can be looked into: the one table of it. */
import { modelStateDict } from '../formats/stateDict.ts';
import type { TensorFile, TensorInfo } from '../formats/tensorFile.ts';
import type { Branch } from './method.ts';
import { bareName } from './checkpointNames.ts';
import type { MethodConfig } from './recipes.ts';

/** An encoder's tensors by the names of timm's VisionTransformer, BEiT's, or torchvision's ResNet. */
export type EncoderTensors = ReadonlyMap<string, TensorInfo>;

export interface FoundEncoders {
  method: MethodConfig['name'] | null;
  /** The branches that the file holds; a file of the target alone has that. */
  branches: Partial<Record<Branch, EncoderTensors>>;
}

const isEncoder = /^(cls_token|pos_embed|mask_token|masked_embed|norm\.|fc_norm\.|patch_embed\.proj\.|blocks\.\d+\.|rel_pos_bias\.|conv1\.weight$|bn1\.|layer\d\.\d+\.)/;

/** What every encoder has: a Vision Transformer its class token, a ResNet its first block. */
const marks = ['cls_token', 'layer1.0.conv1.weight'];

export const isResnetEncoder = (encoder: EncoderTensors): boolean => encoder.has('layer1.0.conv1.weight');

type Names = ReadonlyMap<string, TensorInfo>;

/** From the most particular to the plainest: what tells a file to be of it, and the prefixes of its branches. */
const nestings: readonly { method: (names: Names) => MethodConfig['name'] | null; online: string; target: string }[] = [
  { method: (names) => (names.has('student.backbone.masked_embed') || names.has('center2') ? 'ibot' : 'dino'), online: 'student.backbone.', target: 'teacher.backbone.' },
  { method: () => 'mocov3', online: 'base_encoder.', target: 'momentum_encoder.' },
  { method: () => 'densecl', online: 'encoder_q.0.', target: 'encoder_k.0.' },
  { method: () => 'msn', online: 'encoder.', target: 'target_encoder.' },
  // DINO's and iBOT's files of one branch.
  { method: () => null, online: 'backbone.', target: 'teacher.' },
  {
    method: (names) => (names.has('decoder_pos_mlp.weight') || names.has('mm_cls_token') ? 'siamese' : names.has('decoder_embed.weight') ? 'mae' : names.has('lm_head.weight') || names.has('rel_pos_bias.relative_position_bias_table') ? 'beit' : names.has('head.weight') || names.has('fc.weight') ? 'supervised' : null),
    online: '', target: 'mm_',
  },
];

/** The encoders of a checkpoint; null where there is none of a kind that is known. Throws InputError where the file has no tensors. */
export function findEncoders(file: TensorFile): FoundEncoders | null {
  return encodersAmong(new Map(file.tensors.map((tensor) => [bareName(tensor.name), tensor]))) ?? encodersAmong(modelStateDict(file).tensors);
}

function encodersAmong(names: Names): FoundEncoders | null {
  const under = (prefix: string): EncoderTensors => {
    const own = new Map<string, TensorInfo>();
    for (const [name, tensor] of names) if (name.startsWith(prefix) && isEncoder.test(name.slice(prefix.length))) own.set(name.slice(prefix.length), tensor);
    // SiameseIM's branches share their fixed positions.
    const shared = names.get('pos_embed');
    if (prefix === 'mm_' && shared && !own.has('pos_embed')) own.set('pos_embed', shared);
    return own;
  };
  for (const { method, online, target } of nestings) {
    const branches: FoundEncoders['branches'] = {};
    if (marks.some((mark) => names.has(online + mark))) branches.online = under(online);
    if (marks.some((mark) => names.has(target + mark))) branches.target = under(target);
    if (branches.online ?? branches.target) return { method: method(names), branches };
  }
  return null;
}
