/**
 * What each tensor of a checkpoint is for, by its name alone: the published key names of SiameseIM, MAE, MoCo-v3, DINO, iBOT, MSN, DenseCL,
 * BEiT (with its tokenizer), and supervised models, however training code has nested and prefixed them.
 */
import type { CheckpointPart } from '../../backend/protocol.ts';

export interface Role {
  part: CheckpointPart;
  /** Of the moving average. */
  target: boolean;
  /** The name without what training code put before it; parts joined by dots. */
  own: string;
}

export interface Roles {
  /** The method, as far as names tell. */
  method: string | null;
  /** By the tensors' places. */
  roles: Role[];
  hasTarget: boolean;
}

/** What training code puts before a model's names, and says nothing of it. */
const wrappers = new Set(['model', 'state_dict', 'model_state_dict', 'network', 'net', 'module', '_orig_mod', 'backbone', 'weights']);
const onlineNames = new Set(['student', 'online', 'online_encoder', 'base_encoder', 'encoder_q']);
const targetNames = new Set(['teacher', 'target', 'target_encoder', 'momentum_encoder', 'encoder_k', 'ema', 'model_ema']);
/** What optimizers, mixed precision and schedules keep; `exp_avg` and `exp_avg_sq` are ours. */
const optimizerNames = new Set(['optimizer', 'optimizers', 'opt', 'optimizer_states', 'exp_avg', 'exp_avg_sq', 'momentum_buffer', 'scaler', 'fp16_scaler', 'amp', 'lr_scheduler', 'lr_schedulers', 'scheduler']);
const encoderNames = new Set(['cls_token', 'pos_embed', 'patch_embed', 'blocks', 'norm', 'norm_pre', 'fc_norm', 'dist_token', 'reg_token', 'register_tokens', 'masked_embed', 'rel_pos_bias', 'conv1', 'bn1', 'layer1', 'layer2', 'layer3', 'layer4', 'stem']);

/** More parts of a name say nothing of its role. */
const mostParts = 12;

interface Split {
  /** The first parts, without what was put before them. */
  parts: string[];
  /** Where they begin in the name. */
  start: number;
  branch: 'online' | 'target' | null;
  /** What named the branch. */
  dropped: string | null;
  optimizer: boolean;
}

function split(name: string): Split {
  let parts = name.split('.', mostParts), start = 0;
  let branch: Split['branch'] = null, dropped: string | null = null;
  while (parts.length > 1) {
    const [first, second] = parts as [string, string];
    if (optimizerNames.has(first)) return { parts, start, branch, dropped, optimizer: true };
    if (targetNames.has(first)) [branch, dropped] = ['target', first];
    else if (onlineNames.has(first)) [branch, dropped] = ['online', first];
    // MSN's online branch; elsewhere a module of this name may be the model's own.
    else if (first === 'encoder' && (second === 'module' || encoderNames.has(second) || second === 'fc')) branch ??= 'online';
    else if (!wrappers.has(first)) break;
    parts = parts.slice(1);
    start += first.length + 1;
  }
  if (!parts[0]!.startsWith('mm_')) return { parts, start, branch, dropped, optimizer: false };
  return { parts: [parts[0]!.slice('mm_'.length), ...parts.slice(1)], start: start + 'mm_'.length, branch: 'target', dropped, optimizer: false };
}

/** OpenAI's decoder.pkl has the names of its encoder.pkl. */
const dvaeDecoder = 'dVAE (decoder alone)';

/** Methods by what only they have; the first one that fits. */
const methods: readonly (readonly [method: string, fits: (marks: ReadonlySet<string>) => boolean])[] = [
  ['SiameseIM', (marks) => marks.has('projector_decoder_blocks') || marks.has('predictor_decoder_blocks') || marks.has('decoder_pos_mlp')],
  ['MAE', (marks) => marks.has('decoder_blocks')],
  ['iBOT', (marks) => marks.has('masked_embed') || marks.has('ibot_loss') || marks.has('head.last_layer2')],
  ['DINO', (marks) => marks.has('head.last_layer') || marks.has('dino_loss')],
  ['MSN', (marks) => marks.has('prototypes') || marks.has('fc.fc1')],
  ['MoCo-v3', (marks) => marks.has('base_encoder') || marks.has('momentum_encoder')],
  ['DenseCL', (marks) => marks.has('queue2') || marks.has('mlp2')],
  ['MoCo', (marks) => marks.has('encoder_q') || marks.has('queue')],
  ['BEiT', (marks) => marks.has('lm_head') || (marks.has('relative_position_bias') && marks.has('blocks'))],
  [dvaeDecoder, (marks) => marks.has('group_1.id_path')],
  ['dVAE (BEiT\'s tokenizer)', (marks) => marks.has('group') || marks.has('encoder.0.0')],
  ['supervised Vision Transformer', (marks) => marks.has('blocks') && marks.has('classifier')],
  ['Vision Transformer', (marks) => marks.has('blocks') && marks.has('patch_embed')],
  ['ResNet', (marks) => marks.has('layer1') && marks.has('conv1')],
];

/** Whether a part of a name is the group of dVAE's blocks. */
const isGroup = (part: string | undefined): boolean => part !== undefined && /^group_\d+$/.test(part);

function marksOf(names: readonly string[], splits: readonly Split[]): Set<string> {
  const marks = new Set<string>();
  splits.forEach(({ parts, dropped, optimizer }, place) => {
    if (optimizer) return;
    const [first, second] = parts;
    marks.add(first!);
    if (second !== undefined && (first === 'head' || first === 'fc')) marks.add(`${first}.${second}`);
    if ((first === 'head' || first === 'fc') && second === 'weight') marks.add('classifier');
    if (first === 'blocks' && isGroup(second)) marks.add('group');
    // Its first block makes many channels out of few; the encoder's goes on with as many.
    if (first === 'blocks' && second === 'group_1' && parts[2] === 'block_1' && parts[3] === 'id_path') marks.add('group_1.id_path');
    // A tokenizer trained by method dvae, or BEiT's customized one: a sequence of strided layers.
    if (first === 'encoder' && second === '0' && parts[2] === '0') marks.add('encoder.0.0');
    if (names[place]!.endsWith('relative_position_bias_table')) marks.add('relative_position_bias');
    if (first === 'mlp2' || second === 'mlp2') marks.add('mlp2');
    if (dropped) marks.add(dropped);
  });
  return marks;
}

function partOf(parts: readonly string[], branch: Split['branch'], method: string | null): CheckpointPart {
  const [first, second] = parts as [string, string | undefined];
  if (method?.startsWith('dVAE')) {
    if (first === 'blocks' || first === 'encoder') return method === dvaeDecoder ? 'decoder' : 'tokenizer';
    // The codes as vectors are what is painted from: an image gets its codes without them.
    if (first === 'codebook') return 'decoder';
  }
  if (first === 'projector' || first.startsWith('projector_') || first === 'projection_head' || first === 'neck') return 'projector';
  if (first === 'predictor' || first.startsWith('predictor_')) return 'predictor';
  if (first.startsWith('queue')) return 'queue';
  if (first === 'prototypes' || first === 'proto') return 'prototypes';
  if (/^(dino|ibot)_loss$|^center\d?$/.test(first)) return 'objective';
  if (first === 'd_vae' || first === 'tokenizer' || isGroup(second)) return 'tokenizer';
  if (method === 'SiameseIM') {
    if (first === 'decoder_embed') return 'projector';
    // The target's mask token is a copy that nothing reads.
    if (first === 'mask_token' && branch === 'target') return 'encoder';
    if (first === 'mask_token' || first.startsWith('decoder_') || first === 'student_norm') return 'predictor';
  }
  if (method === 'BEiT' && first === 'mask_token') return 'encoder';
  if (first === 'mask_token' || first === 'decoder' || first.startsWith('decoder_')) return 'decoder';
  // DenseCL and MoCo: the backbone is the first part of a sequence, the neck its second.
  if ((method === 'DenseCL' || method === 'MoCo') && branch !== null && (first === '0' || first === '1')) return first === '0' ? 'encoder' : 'projector';
  if (first === 'mlp' || first === 'mlp2') return 'projector';
  if (first === 'head') return method === 'MoCo-v3' || method === 'DINO' || method === 'iBOT' ? 'projector' : 'head';
  if (first === 'fc') return method === 'MSN' || method === 'MoCo' ? 'projector' : 'head';
  if (first === 'lm_head' || first === 'head_dist' || first === 'classifier') return 'head';
  return encoderNames.has(first) ? 'encoder' : 'other';
}

/** What each of the tensors is for. */
export function rolesOf(names: readonly string[]): Roles {
  const splits = names.map(split);
  const marks = marksOf(names, splits);
  const method = methods.find(([, fits]) => fits(marks))?.[0] ?? null;
  // A file of the optimizer alone has its counters beside its moments.
  const allOptimizer = splits.some(({ optimizer }) => optimizer) && splits.every(({ optimizer, parts }) => optimizer || parts.length === 1);
  const roles = splits.map(({ parts, start, branch, optimizer }, place): Role => ({
    part: optimizer || allOptimizer ? 'optimizer' : partOf(parts, branch, method), target: branch === 'target' && !optimizer, own: names[place]!.slice(start),
  }));
  return { method: allOptimizer && method === null ? 'optimizer state' : method, roles, hasTarget: roles.some(({ target }) => target) };
}

/** The order in which parts are shown. */
export const partOrder: readonly CheckpointPart[] = ['encoder', 'projector', 'predictor', 'decoder', 'head', 'prototypes', 'tokenizer', 'queue', 'objective', 'optimizer', 'other'];

/** What a part is called, and what it is for. */
export function partText(part: CheckpointPart, target: boolean, hasTarget: boolean): { title: string; about: string } {
  const branch = target ? 'Target ' : hasTarget ? 'Online ' : '';
  const branched = (word: string): string => (branch === '' ? word[0]!.toUpperCase() + word.slice(1) : branch + word);
  switch (part) {
    case 'encoder': return { title: branched('encoder'), about: target ? 'the moving average of the online encoder; often the better one to use' : 'turns an image into features: what other tasks use' };
    case 'projector': return { title: branched('projector'), about: 'maps features to where the loss compares them; left out afterwards' };
    case 'predictor': return { title: branched('predictor'), about: 'predicts the target from the online view; of use for correspondence by prediction' };
    case 'decoder': return { title: branched('decoder'), about: 'draws masked patches, or an image from its codes; needed for reconstructions' };
    case 'head': return { title: branched('head'), about: 'the last layer, for its own labels or codes' };
    case 'prototypes': return { title: 'Prototypes', about: 'what views are assigned to' };
    case 'tokenizer': return { title: 'Tokenizer', about: 'turns patches into codes to be predicted' };
    case 'queue': return { title: 'Queue', about: 'features of earlier batches, as negatives' };
    case 'objective': return { title: 'State of the loss', about: 'centres that keep outputs from collapsing' };
    case 'optimizer': return { title: 'Optimizer state', about: 'moments and counters: needed to resume, not to use the model' };
    case 'other': return { title: branched('others'), about: 'names that no known method has' };
  }
}
