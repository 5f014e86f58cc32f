/** What a checkpoint can be used for and what it lacks for the rest; what its header says of its health. */
import type { StateDict } from '../../backend/formats/stateDict.ts';
import { modelStateDict } from '../../backend/formats/stateDict.ts';
import type { TensorFile } from '../../backend/formats/tensorFile.ts';
import type { CheckpointFinding, CheckpointPicture, CheckpointUse, ValueStatistics } from '../../backend/protocol.ts';
import type { EncoderFound } from './architecture.ts';
import { gridOf } from './architecture.ts';
import { partText, type Roles } from './roles.ts';
import type { RunAround } from './run.ts';
import { countOf, countText, numberText, shownText } from './text.ts';

export interface Found {
  file: TensorFile;
  bytes: number;
  roles: Roles;
  online: EncoderFound | null;
  target: EncoderFound | null;
  run: RunAround | null;
}

/** Whether this program's own code opens the model in it: names as SiameseIM, MAE and timm have them. */
function opensHere(file: TensorFile): boolean {
  let dict: StateDict;
  try {
    dict = modelStateDict(file);
  } catch {
    return false;
  }
  return ['cls_token', 'pos_embed', 'patch_embed.proj.weight', 'patch_embed.proj.bias', 'blocks.0.norm1.weight', 'blocks.0.attn.qkv.weight', 'blocks.0.mlp.fc1.weight'].every((name) => dict.tensors.has(name));
}

type Use = (title: string, verdict: CheckpointUse['verdict'], why: string, action?: CheckpointUse['action']) => void;

export function usesOf({ file, roles, online, target, run }: Found): CheckpointUse[] {
  const { method } = roles;
  const has = (part: string, ofTarget = false): boolean => roles.roles.some((role) => role.part === part && role.target === ofTarget);
  const owns = (name: string): boolean => roles.roles.some(({ own }) => own === name || own.startsWith(`${name}.`));
  const encoder = online ?? target;
  const uses: CheckpointUse[] = [];
  const use: Use = (title, verdict, why, action = null) => void uses.push({ title, verdict, why, action });

  if (!encoder) {
    if (method?.startsWith('dVAE')) {
      tokenizerUses(use, has('tokenizer'), has('decoder'), run);
      return uses;
    }
    const optimizerOnly = has('optimizer') && roles.roles.every(({ part }) => part === 'optimizer');
    const why = optimizerOnly ? 'no encoder: this file holds the optimizer\'s state alone, the model is in another' : 'no encoder that is known: neither a Vision Transformer nor a ResNet';
    use('Features', 'no', why);
    use('Resuming training', optimizerOnly && run ? 'yes' : has('optimizer') ? 'partly' : 'no', optimizerOnly && run ? 'beside the model of the same checkpoint' : has('optimizer') ? 'the optimizer\'s state is here, the model is not' : 'no optimizer state', run && optimizerOnly ? 'resume' : null);
    return uses;
  }
  const lacks = encoder.missing.length > 0 ? encoder.missing.join('; ') : null;
  const both = online && target ? 'online encoder, and the target\'s moving average' : target ? 'the target\'s encoder alone' : 'the encoder is whole';
  use('Features: k-NN, linear, fine-tuning', lacks ? 'partly' : 'yes', lacks ?? both, run && !lacks ? 'evaluate' : null);

  const exported = opensHere(file) && !lacks;
  // A run's own method says how its checkpoint is opened, whatever its names.
  const here = exported || (!lacks && encoder.transformer && run !== null && 'method' in run.config);
  const foreign = !encoder.transformer ? 'the encoder is no Vision Transformer' : lacks ?? `the encoder is here, under names${method ? ` of ${method}` : ''} that SiamScope does not open yet`;
  use('Dense correspondence', here ? 'yes' : 'no', here ? 'patch by patch, with the encoder\'s features' : foreign, here ? 'correspond' : null);
  const predicts = has('predictor'), hasTarget = target !== null;
  if (method === 'SiameseIM') use('Correspondence by prediction', predicts && hasTarget ? 'yes' : 'no', predicts ? (hasTarget ? 'predictor and target branch are here' : 'no target branch: there is nothing to predict') : 'no predictor: only features can be compared');
  const draws = ['decoder_embed', 'decoder_blocks', 'decoder_pred', 'mask_token'].filter((name) => !owns(name));
  if (method === 'MAE' && draws.length === 0) use('Reconstruction', 'yes', 'the decoder is whole; what it draws may be pixels normalised patch by patch');
  else use('Reconstruction', 'no', method === 'MAE' ? `${draws.join(', ')} ${draws.length === 1 ? 'is' : 'are'} missing: reconstruction impossible` : method === 'SiameseIM' ? 'it predicts features, not pixels: there is nothing to draw' : 'no decoder: reconstruction impossible');
  use('Export to timm', exported ? 'yes' : 'no', exported ? `${target && online ? 'the online encoder, or the target\'s by the command line' : 'the encoder'}, under timm's names` : foreign.replace('open yet', 'export yet'), exported ? 'export' : null);
  if (run) resumingUse(use, run);
  else use('Resuming training', has('optimizer') ? 'partly' : 'no', has('optimizer') ? 'the optimizer\'s state is here: the code that wrote it can go on; SiamScope resumes its own runs' : 'no optimizer state: training can only start from these weights');
  return uses;
}

/** Whether the run of a checkpoint that is whole goes on from it. */
function resumingUse(use: Use, { hasOptimizer }: RunAround): void {
  use('Resuming training', hasOptimizer ? 'yes' : 'no', hasOptimizer ? 'optimizer.safetensors lies beside it' : 'no optimizer.safetensors beside it', hasOptimizer ? 'resume' : null);
}

/** What a tokenizer is for: it has no encoder of a kind that other tasks take. */
function tokenizerUses(use: Use, reads: boolean, paints: boolean, run: RunAround | null): void {
  const here = run !== null && 'method' in run.config;
  use('Codes for BEiT', reads ? 'yes' : 'no', reads ? 'what "method": { "tokenizerWeights": ... } of a run file may name' : 'the decoder alone paints images from codes: what tells codes is the encoder, in a file of its own (OpenAI\'s encoder.pkl)');
  use('Features: k-NN, linear, fine-tuning', 'no', 'a tokenizer: it gives patches codes, and no image a feature');
  use('Dense correspondence', here ? 'yes' : 'no', here ? 'square by square, with the encoder\'s features and codes' : 'of a run\'s own tokenizer alone', here ? 'correspond' : null);
  use('Reconstruction', here && paints ? 'yes' : 'no', paints ? (here ? 'the decoder is here: images are painted from their codes alone' : 'of a run\'s own tokenizer alone') : 'no decoder: reconstruction impossible', here && paints ? 'correspond' : null);
  if (run) resumingUse(use, run);
}

/** Modules whose names in a pickle mean that loading it would run something. */
const dangerous = /^(os|posix|nt|sys|subprocess|pty|commands|builtins|__builtin__|runpy|importlib|shutil|socket|ctypes|pickle|marshal|types|code|webbrowser|urllib|http|pip|asyncio|multiprocessing|threading|operator|functools|pathlib|tempfile|logging|bdb|pdb|timeit|profile|cProfile|torch\.(hub|load|jit|utils))\b/;

export function headerFindings({ file, bytes, roles, online, target, run }: Found): CheckpointFinding[] {
  const findings: CheckpointFinding[] = [];
  const say = (tone: CheckpointFinding['tone'], text: string): void => void findings.push({ tone, text, tensor: null });
  for (const warning of file.warnings) {
    const names = /^holds more than tensors: (.*) \(left out/.exec(warning)?.[1]?.split(', ') ?? [];
    const calls = names.filter((name) => dangerous.test(name) && name !== 'builtins.getattr');
    if (calls.length > 0) say('bad', `Do not load it with pickle or torch.load: that would reach ${shownText(calls.slice(0, 4).join(', '))}. Nothing of it was run here.`);
    say('warning', `It ${shownText(warning, 1000)}.`);
  }
  for (const [encoder, branch] of [[online, ''], [target, 'target ']] as const) for (const missing of encoder?.missing ?? []) say('bad', `The ${branch}encoder is not whole: ${missing}.`);
  if (run?.expected && run.expected.bytes !== bytes) say('bad', `It has ${countText(bytes)} bytes, and the checkpoint's manifest says ${countText(run.expected.bytes)}: it was changed, or cut short.`);
  if (file.tensors.length === 0) say('warning', 'It holds no tensors.');
  const others = roles.roles.filter(({ part }) => part === 'other').length;
  if (others > 0 && others < roles.roles.length) say('plain', `${countOf(others, 'tensor has a name', 'tensors have names')} that no known method has.`);
  if (findings.every(({ tone }) => tone !== 'bad')) findings.unshift({ tone: 'good', tensor: null, text: file.format === 'safetensors' ? 'The header is sound: every tensor is as long as its shape says, and together they are the file.' : 'The archive is sound: every tensor lies inside a record that is as long as its pickle claims.' });
  return findings;
}

/** Patch and position embeddings that pictures can be made of. */
export function picturesOf({ file, roles }: Found): CheckpointPicture[] {
  const pictures: CheckpointPicture[] = [];
  file.tensors.forEach(({ shape }, tensor) => {
    const { own, part, target } = roles.roles[tensor]!;
    const where = part === 'encoder' ? (roles.hasTarget ? (target ? ', target' : ', online') : '') : `, ${partText(part, target, roles.hasTarget).title.toLowerCase()}`;
    if (/(^|\.)(patch_embed\.proj|conv1)\.weight$/.test(own) && /^(patch_embed|conv1|0\.conv1)\b/.test(own) && shape.length === 4 && (shape[1] === 3 || shape[1] === 1) && shape[2]! <= 64 && shape[3]! <= 64) pictures.push({ kind: 'filters', tensor, title: `Patch embedding${where}` });
    else if (/^(decoder_)?pos_embed$/.test(own) && (shape.length === 2 || shape.length === 3) && gridOf(shape.at(-2)!) !== null) pictures.push({ kind: 'positions', tensor, title: `Position embedding${where}` });
    else if (/relative_position_bias_table$/.test(own) && shape.length === 2 && shape[0]! >= 9) pictures.push({ kind: 'relative', tensor, title: `Relative positions${own.startsWith('blocks.') ? `, block ${own.split('.')[1]}` : ''}` });
  });
  const order = ['filters', 'positions', 'relative'] as const;
  return pictures.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)).slice(0, 24);
}

/** What is remarkable about a tensor's values; null where nothing is. */
export function valueFinding(name: string, own: string, shape: readonly number[], s: ValueStatistics): { tone: 'bad' | 'warning'; text: string } | null {
  const shown = shownText(name, 100);
  const infinite = s.positiveInfinite + s.negativeInfinite;
  if (s.nan + infinite > 0) return { tone: 'bad', text: `${shown}: ${[...(s.nan > 0 ? [`${countText(s.nan)} NaN`] : []), ...(infinite > 0 ? [`${countText(infinite)} infinite`] : [])].join(' and ')} of ${countOf(s.count, 'value')}.` };
  if (/running_var$/.test(own) && s.min < 0) return { tone: 'bad', text: `${shown}: a variance of ${numberText(s.min)}.` };
  const matrix = shape.filter((size) => size > 1).length >= 2;
  if (matrix && s.count > 1 && s.zeros === s.count) return { tone: 'warning', text: `${shown}: all ${countText(s.count)} values are 0.` };
  if (matrix && s.count > 1 && s.deviation === 0) return { tone: 'warning', text: `${shown}: all ${countText(s.count)} values are ${numberText(s.mean)}.` };
  if (matrix && Math.max(Math.abs(s.min), Math.abs(s.max)) > 1e6) return { tone: 'warning', text: `${shown}: values up to ${numberText(Math.max(Math.abs(s.min), Math.abs(s.max)))}.` };
  return null;
}

