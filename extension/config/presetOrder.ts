/** Which recipe suits this machine: presets in order, the best first, each with the reason. */
import type { Diagnosis, PresetSummary } from '../../backend/protocol.ts';
import type { Translate } from '../translate.ts';

export interface RankedPreset extends PresetSummary {
  why: string;
  best: boolean;
}

type Size = 'tiny' | 'minutes' | 'small' | 'base';

/** By the recipe's name: every method's -tiny one learns something in minutes on a CPU, what ends in -vit-base and the like is for graphics cards. */
const sizeOf = (preset: string): Size => (preset === 'tiny' ? 'tiny' : /^demo|-tiny$/.test(preset) ? 'minutes' : /-vit-small$|^tokenizer$/.test(preset) ? 'small' : 'base');

/** ViT-B at the recipe's 128 images a batch needs about this much; smaller ones are halved by hand. */
const bytesForBase = 30e9;

/** Without a diagnosis, the order as given and no reasons. */
export function rankPresets(presets: readonly PresetSummary[], diagnosis: Diagnosis | null, t: Translate): RankedPreset[] {
  if (!diagnosis) return presets.map((preset) => ({ ...preset, why: '', best: false }));
  const engine = diagnosis.engines.find(({ name }) => name === diagnosis.chosen);
  const onGpu = engine?.device != null && engine.device !== 'cpu';
  const bytes = Math.max(0, ...diagnosis.gpus.map((gpu) => gpu.bytes));
  const large = onGpu && bytes >= bytesForBase;
  const device = engine?.deviceName ?? diagnosis.cpu.model;
  const order: Size[] = large ? ['base', 'small', 'minutes', 'tiny'] : onGpu ? ['small', 'base', 'minutes', 'tiny'] : engine?.name === 'wasm' || !engine ? ['tiny', 'minutes', 'small', 'base'] : ['minutes', 'tiny', 'small', 'base'];
  const why = (size: Size): string => {
    if (size === 'tiny') return onGpu ? t('a check that everything works, in seconds') : t('a check that everything works, in a minute');
    if (size === 'minutes') return onGpu ? t('minutes on {0}', device) : engine && engine.name !== 'wasm' ? t('made for a CPU such as {0}', device) : t('slow with WebAssembly: install libtorch first');
    if (!onGpu) return diagnosis.gpus.length > 0 ? t('{0} is here, and no engine that uses it: install one for GPUs first', diagnosis.gpus[0]!.name) : t('meant for a GPU: weeks on this CPU');
    if (size === 'base') return large ? t('fits {0}', device) : t('tight on {0}: halve batch.size where memory runs out', device);
    return t('fits {0}', device);
  };
  const ranked = presets.map((preset) => ({ ...preset, why: why(sizeOf(preset.preset)), best: false }));
  ranked.sort((a, b) => order.indexOf(sizeOf(a.preset)) - order.indexOf(sizeOf(b.preset)));
  if (ranked[0]) ranked[0].best = true;
  return ranked;
}
