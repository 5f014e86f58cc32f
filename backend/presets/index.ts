/** The recipes that come with SiamScope, by name: run files without a name and without data. */
import { suggestion } from '../nearest.ts';
import type { RunFile } from '../train/config.ts';
import { mergeRun } from '../train/mergeRun.ts';
import beitTiny from './beit-tiny.json' with { type: 'json' };
import beitVitBase from './beit-vit-base.json' with { type: 'json' };
import beitVitSmall from './beit-vit-small.json' with { type: 'json' };
import deitVitBase from './deit-vit-base.json' with { type: 'json' };
import deitVitSmall from './deit-vit-small.json' with { type: 'json' };
import demo from './demo.json' with { type: 'json' };
import demoSmall from './demo-small.json' with { type: 'json' };
import denseclResnet50 from './densecl-resnet50.json' with { type: 'json' };
import denseclResnetTiny from './densecl-resnet-tiny.json' with { type: 'json' };
import denseclTiny from './densecl-tiny.json' with { type: 'json' };
import denseclVitBase from './densecl-vit-base.json' with { type: 'json' };
import denseclVitSmall from './densecl-vit-small.json' with { type: 'json' };
import dinoTiny from './dino-tiny.json' with { type: 'json' };
import dinoVitBase from './dino-vit-base.json' with { type: 'json' };
import dinoVitSmall from './dino-vit-small.json' with { type: 'json' };
import ibotTiny from './ibot-tiny.json' with { type: 'json' };
import ibotVitBase from './ibot-vit-base.json' with { type: 'json' };
import ibotVitSmall from './ibot-vit-small.json' with { type: 'json' };
import maeVitBase from './mae-vit-base.json' with { type: 'json' };
import maeVitSmall from './mae-vit-small.json' with { type: 'json' };
import mocov3MaskTiny from './mocov3-mask-tiny.json' with { type: 'json' };
import mocov3MaskVitBase from './mocov3-mask-vit-base.json' with { type: 'json' };
import mocov3MaskVitSmall from './mocov3-mask-vit-small.json' with { type: 'json' };
import mocov3Tiny from './mocov3-tiny.json' with { type: 'json' };
import mocov3VitBase from './mocov3-vit-base.json' with { type: 'json' };
import mocov3VitSmall from './mocov3-vit-small.json' with { type: 'json' };
import msnTiny from './msn-tiny.json' with { type: 'json' };
import msnVitBase from './msn-vit-base.json' with { type: 'json' };
import msnVitSmall from './msn-vit-small.json' with { type: 'json' };
import siameseA from './siamese-a.json' with { type: 'json' };
import siameseB from './siamese-b.json' with { type: 'json' };
import siameseC from './siamese-c.json' with { type: 'json' };
import siameseD from './siamese-d.json' with { type: 'json' };
import siameseE from './siamese-e.json' with { type: 'json' };
import siameseF from './siamese-f.json' with { type: 'json' };
import siameseG from './siamese-g.json' with { type: 'json' };
import siameseH from './siamese-h.json' with { type: 'json' };
import siameseI from './siamese-i.json' with { type: 'json' };
import siameseJ from './siamese-j.json' with { type: 'json' };
import siameseK from './siamese-k.json' with { type: 'json' };
import siameseVitBase from './siamese-vit-base.json' with { type: 'json' };
import siameseVitSmall from './siamese-vit-small.json' with { type: 'json' };
import supervisedTiny from './supervised-tiny.json' with { type: 'json' };
import supervisedVitBase from './supervised-vit-base.json' with { type: 'json' };
import supervisedVitSmall from './supervised-vit-small.json' with { type: 'json' };
import tiny from './tiny.json' with { type: 'json' };
import tokenizerTiny from './tokenizer-tiny.json' with { type: 'json' };
import tokenizer from './tokenizer.json' with { type: 'json' };

export type Preset = Omit<RunFile, 'name' | 'data' | 'preset' | '$schema'> & { data?: Partial<RunFile['data']> };

const all = {
  tiny,
  demo,
  'demo-small': demoSmall,
  'siamese-vit-small': siameseVitSmall,
  'siamese-vit-base': siameseVitBase,
  'siamese-a': siameseA,
  'siamese-b': siameseB,
  'siamese-c': siameseC,
  'siamese-d': siameseD,
  'siamese-e': siameseE,
  'siamese-f': siameseF,
  'siamese-g': siameseG,
  'siamese-h': siameseH,
  'siamese-i': siameseI,
  'siamese-j': siameseJ,
  'siamese-k': siameseK,
  'mae-vit-small': maeVitSmall,
  'mae-vit-base': maeVitBase,
  'mocov3-tiny': mocov3Tiny,
  'mocov3-vit-small': mocov3VitSmall,
  'mocov3-vit-base': mocov3VitBase,
  'mocov3-mask-tiny': mocov3MaskTiny,
  'mocov3-mask-vit-small': mocov3MaskVitSmall,
  'mocov3-mask-vit-base': mocov3MaskVitBase,
  'dino-tiny': dinoTiny,
  'dino-vit-small': dinoVitSmall,
  'dino-vit-base': dinoVitBase,
  'ibot-tiny': ibotTiny,
  'ibot-vit-small': ibotVitSmall,
  'ibot-vit-base': ibotVitBase,
  'msn-tiny': msnTiny,
  'msn-vit-small': msnVitSmall,
  'msn-vit-base': msnVitBase,
  'beit-tiny': beitTiny,
  'beit-vit-small': beitVitSmall,
  'beit-vit-base': beitVitBase,
  'tokenizer-tiny': tokenizerTiny,
  tokenizer,
  'densecl-tiny': denseclTiny,
  'densecl-resnet-tiny': denseclResnetTiny,
  'densecl-resnet50': denseclResnet50,
  'densecl-vit-small': denseclVitSmall,
  'densecl-vit-base': denseclVitBase,
  'supervised-tiny': supervisedTiny,
  'supervised-vit-small': supervisedVitSmall,
  'supervised-vit-base': supervisedVitBase,
  'deit-vit-small': deitVitSmall,
  'deit-vit-base': deitVitBase,
};

const stored: Readonly<Record<string, Record<string, unknown> | undefined>> = all;

/** A recipe laid over the one that it names, as a run file is. */
function completed(name: string): Record<string, unknown> {
  const { preset, ...own } = stored[name]!;
  return typeof preset === 'string' ? mergeRun(completed(preset), own) : own;
}

/** Each whole. Checked by the schema where they are merged into a run. */
export const presets: Readonly<Record<string, Preset>> = Object.fromEntries(Object.keys(all).map((name) => [name, completed(name) as unknown as Preset]));
export const presetNames: readonly string[] = Object.keys(all);

/** What to say of a name that no preset has: the nearest one, for the whole list fills a screen. */
export function noPreset(name: unknown): string {
  const nearest = typeof name === 'string' ? suggestion(name, presetNames) : '';
  return `there is no preset ${JSON.stringify(name)}${nearest === '' ? ':' : nearest} "siamscope presets" lists all ${presetNames.length}`;
}

/** A line about each, for people. */
export const presetSummaries: Readonly<Record<keyof typeof all, string>> = {
  tiny: 'SiameseIM at its smallest: a minute on a laptop, to see that everything works',
  demo: 'SiameseIM for half an hour or less on a CPU: features that can be looked at',
  'demo-small': 'The demo on a slow CPU: 36 patches and 8 images a step, a third of its work',
  'siamese-vit-small': 'SiameseIM, ViT-S/16 at 224: the paper\'s recipe with a smaller encoder',
  'siamese-vit-base': 'SiameseIM, ViT-B/16 at 224: the paper\'s recipe (Tao et al., CVPR 2023)',
  'siamese-a': 'SiameseIM\'s ablation (a), our reading of the paper\'s table: pixels of the same view',
  'siamese-b': 'SiameseIM\'s ablation (b), our reading of the paper\'s table: features of the same view, without colours',
  'siamese-c': 'SiameseIM\'s ablation (c), our reading of the paper\'s table: pixels of the same view, with colours',
  'siamese-d': 'SiameseIM\'s ablation (d), our reading of the paper\'s table: pixels of another view',
  'siamese-e': 'SiameseIM\'s ablation (e), our reading of the paper\'s table: features of another view, without colours',
  'siamese-f': 'SiameseIM\'s ablation (f), our reading of the paper\'s table: (e) with colours',
  'siamese-g': 'SiameseIM\'s ablation (g), our reading of the paper\'s table: (f) with batch norm',
  'siamese-h': 'SiameseIM\'s ablation (h), our reading of the paper\'s table: (g) with blockwise masks',
  'siamese-i': 'SiameseIM\'s ablation (i), our reading of the paper\'s table: (h) with layer-normed targets: the method itself, for 400 epochs',
  'siamese-j': 'SiameseIM\'s ablation (j), our reading of the paper\'s table: (i) without UniGrad\'s decorrelating term',
  'siamese-k': 'SiameseIM\'s ablation (k), our reading of the paper\'s table: (g) with one vector a view',
  'mae-vit-small': 'MAE, ViT-S/16 at 224: the paper\'s recipe with a smaller encoder',
  'mae-vit-base': 'MAE, ViT-B/16 at 224: the paper\'s recipe (He et al., CVPR 2022)',
  'mocov3-tiny': 'MoCo-v3 for minutes on a CPU',
  'mocov3-vit-small': 'MoCo-v3, ViT-S/16 at 224: the paper\'s recipe (Chen et al., ICCV 2021), with 12 heads as there',
  'mocov3-vit-base': 'MoCo-v3, ViT-B/16 at 224: the paper\'s recipe (Chen et al., ICCV 2021)',
  'mocov3-mask-tiny': 'MoCo-v3 with masked online views and UniGrad, for minutes on a CPU',
  'mocov3-mask-vit-small': 'MoCo-v3 with masked online views and UniGrad, ViT-S/16 at 224: our reading of the row in SiameseIM\'s table',
  'mocov3-mask-vit-base': 'MoCo-v3 with masked online views and UniGrad, ViT-B/16 at 224: our reading of the row in SiameseIM\'s table',
  'dino-tiny': 'DINO for minutes on a CPU',
  'dino-vit-small': 'DINO, ViT-S/16 at 224: the paper\'s recipe of 100 epochs (Caron et al., ICCV 2021)',
  'dino-vit-base': 'DINO, ViT-B/16 at 224: 400 epochs, as the authors\' file is said to be trained',
  'ibot-tiny': 'iBOT for minutes on a CPU',
  'ibot-vit-small': 'iBOT, ViT-S/16 at 224: the paper\'s recipe (Zhou et al., ICLR 2022)',
  'ibot-vit-base': 'iBOT, ViT-B/16 at 224, blockwise masks: 400 epochs, as the authors\' file is said to be trained',
  'msn-tiny': 'Masked Siamese Networks for minutes on a CPU',
  'msn-vit-small': 'Masked Siamese Networks, ViT-S/16 at 224: the paper\'s recipe (Assran et al., ECCV 2022)',
  'msn-vit-base': 'Masked Siamese Networks, ViT-B/16 at 224: 600 epochs, as the authors\' file; the share of dropped patches is our reading',
  'beit-tiny': 'BEiT with a random tokenizer for minutes on a CPU',
  'beit-vit-small': 'BEiT, ViT-S/16 at 224: the paper\'s recipe (Bao et al., ICLR 2022) with a random tokenizer in place of the dVAE',
  'beit-vit-base': 'BEiT, ViT-B/16 at 224: the paper\'s recipe (Bao et al., ICLR 2022) with a random tokenizer in place of the dVAE',
  'tokenizer-tiny': 'A dVAE as tokenizer of beit-tiny, for minutes on a CPU',
  tokenizer: 'A dVAE as BEiT\'s tokenizer, 8192 codes at 112 pixels: the customized one of its authors\' code; how it is trained is our reading',
  'densecl-tiny': 'DenseCL on a ViT for minutes on a CPU',
  'densecl-resnet-tiny': 'DenseCL on a ResNet for minutes on a CPU',
  'densecl-resnet50': 'DenseCL, ResNet-50 at 224: the paper\'s recipe for ImageNet (Wang et al., CVPR 2021)',
  'densecl-vit-small': 'DenseCL on ViT-S/16 at 224: the method of Wang et al. (CVPR 2021); the recipe for a ViT is our reading',
  'densecl-vit-base': 'DenseCL on ViT-B/16 at 224: the method of Wang et al. (CVPR 2021); the recipe for a ViT is our reading',
  'supervised-tiny': 'Supervised training for minutes on a CPU; ten classes',
  'supervised-vit-small': 'Supervised, ViT-S/16 at 224: the recipe of MAE\'s baseline',
  'supervised-vit-base': 'Supervised, ViT-B/16 at 224: the recipe of MAE\'s baseline',
  'deit-vit-small': 'DeiT-S/16 at 224 without distillation (Touvron et al., ICML 2021)',
  'deit-vit-base': 'DeiT-B/16 at 224 without distillation (Touvron et al., ICML 2021)',
};
