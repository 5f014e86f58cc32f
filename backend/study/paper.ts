/** The study of SiameseIM's main and ablation tables, with the paper's own numbers, at a size of choice. */
import { methodName } from '../protocol/methodNames.ts';
import type { StudyFile } from './studyFile.ts';

export const scales = ['tiny', 'vit-base'] as const;
export type Scale = (typeof scales)[number];

export interface PaperImages {
  train: string;
  test: string | null;
  /** Class folders in `train`. */
  classes: number;
}

type Row = StudyFile['rows'][number];

const main = 'Methods', ablation = 'Ablations of SiameseIM';
const reading = 'our reading of the paper\'s table';

/** Fine-tuning and linear probing on ImageNet, box and mask AP on COCO: Tao et al., CVPR 2023, ViT-B. */
const numbers = (ft: number | null, lin: number | null, box: number | null, mask: number | null): Row['paper'] => ({ FT: ft, LIN: lin, APb: box, APm: mask });

/**
 * SiameseIM's parts at tiny size; every switch of its rows stays the row's own. Crops of .08 of a small image show next to nothing, blocks of
 * 16 patches are a quarter of a grid of 8 × 8, in a short run a faster target loses its rank before anything is learned (docs/learning.md),
 * and one target in five with inverted colours keeps patches from being told apart at all (docs/study.md).
 */
const tinySiamese = { method: { name: 'siamese', decoderHeads: 4, projectorDepth: 1, predictorDepth: 2, trainPatchEmbed: true, scale: [0.4, 1], maskRatio: 0.4, minBlock: 4, solarize: 0, momentum: [0.998, 1] } };
const tinyMae = { method: { name: 'mae', decoderWidth: 64, decoderDepth: 2, decoderHeads: 4 } };

const methods: { id: string; paper: Row['paper']; note?: string }[] = [
  { id: 'supervised', paper: numbers(81.8, null, 47.9, 42.9) },
  { id: 'mocov3', paper: numbers(83, 76.7, 47.9, 42.7) },
  { id: 'dino', paper: numbers(82.8, 78.2, 50.1, 43.4) },
  { id: 'ibot', paper: numbers(84, 79.5, 51.2, 44.2) },
  { id: 'msn', paper: numbers(null, null, null, null) },
  { id: 'densecl', paper: numbers(82.2, 69.7, 46.6, 41.6), note: 'on a ViT; the recipe is our reading' },
  { id: 'beit', paper: numbers(83.2, null, 49.8, 44.4), note: 'with a random tokenizer in place of the dVAE' },
  { id: 'mae', paper: numbers(83.6, 68, 51.6, 45.9) },
  { id: 'siamese', paper: numbers(84.1, 78, 52.1, 46.2) },
];

const ablations: { row: string; what: string; paper: Row['paper'] }[] = [
  { row: 'a', what: 'pixels of the same view', paper: numbers(82.8, 62.3, 47.3, 42.5) },
  { row: 'b', what: 'features of the same view, no colours', paper: numbers(81, 48.7, 43.5, 39.2) },
  { row: 'c', what: 'pixels of the same view, with colours', paper: numbers(82, 59.9, 46.3, 41.8) },
  { row: 'd', what: 'pixels of another view', paper: numbers(78.7, 46.2, 38.1, 34.8) },
  { row: 'e', what: 'features of another view, no colours', paper: numbers(82.9, 69.6, 48.5, 43.4) },
  { row: 'f', what: '(e) with colours', paper: numbers(83, 73.1, 47.9, 43.2) },
  { row: 'g', what: '(f) with batch norm', paper: numbers(83.2, 73.6, 48.7, 43.7) },
  { row: 'h', what: '(g) with blockwise masks', paper: numbers(83.5, 74.7, 50, 44.5) },
  { row: 'i', what: '(h) with layer-normed targets: SiameseIM', paper: numbers(83.7, 76.8, 49.8, 44.2) },
  { row: 'j', what: '(i) with the plain distance', paper: numbers(83.3, 76.5, 49.8, 44.2) },
  { row: 'k', what: '(g) with a global loss', paper: numbers(82.7, 72, 45.9, 41.4) },
];

/** The recipe of a method at tiny size, where it has no preset of its own there. */
const tinyParts: Readonly<Record<string, { preset: string; run: object } | undefined>> = { mae: { preset: 'mae-vit-base', run: tinyMae }, siamese: { preset: 'siamese-i', run: tinySiamese } };

function methodRow({ id, paper, note }: (typeof methods)[number], scale: Scale, classes: number): Row {
  const own = scale === 'tiny' ? (tinyParts[id] ?? { preset: `${id}-tiny`, run: {} }) : { preset: `${id}-vit-base`, run: {} };
  const run = id === 'supervised' ? { ...own.run, method: { name: 'supervised', classes } } : own.run;
  return { id, name: methodName(id), group: main, preset: own.preset, ...(Object.keys(run).length > 0 && { run: { ...run } }), paper, ...(note !== undefined && { note }) };
}

/** The rows of both tables; rows that are the same run at this scale share it. */
function paperRows(scale: Scale, classes: number): Row[] {
  const isTiny = scale === 'tiny';
  return [
    { id: 'untrained', name: 'Untrained', group: main, preset: isTiny ? 'siamese-i' : 'siamese-vit-base', ...(isTiny && { run: tinySiamese }), trained: false, note: 'SiameseIM\'s encoder as each seed begins it' },
    { id: 'untrained-timm', name: 'Untrained, by timm', group: main, preset: `dino-${isTiny ? 'tiny' : 'vit-base'}`, trained: false, note: 'as supervised training, DINO, iBOT, MSN, DenseCL and BEiT begin: smaller values, which match patches less well' },
    ...methods.filter(({ id }) => classes > 1 || id !== 'supervised').map((method) => methodRow(method, scale, classes)),
    isTiny ? { id: 'mae-400', name: 'MAE', group: ablation, sameAs: 'mae', paper: numbers(83.1, 62.5, 46.8, 42), note: 'as above' } : { id: 'mae-400', name: 'MAE', group: ablation, preset: 'mae-vit-base', run: { schedule: { epochs: 400 } }, paper: numbers(83.1, 62.5, 46.8, 42) },
    ...ablations.map(({ row, what, paper }): Row => ({ id: row, name: `(${row})`, group: ablation, ...(isTiny && row === 'i' ? { sameAs: 'siamese' } : { preset: `siamese-${row}`, ...(isTiny && { run: tinySiamese }) }), paper, note: what })),
    { id: 'mocov3-mask', name: 'MoCo-v3 with mask', group: ablation, preset: `mocov3-mask-${isTiny ? 'tiny' : 'vit-base'}`, paper: numbers(82.8, 72.2, 45, 40.5), note: 'MoCo-v3\'s heads and both directions, UniGrad as in (k)' },
  ];
}

/** Two cores take about a fifth of a second for a step, so that the sixty runs are a night. */
const tinyRun = {
  model: { arch: 'vit_nano', imageSize: 64, patchSize: 8, depth: 3 },
  schedule: { steps: 2400, warmupSteps: 240 },
  batch: { size: 32, accumulate: 1 },
  checkpoint: { everyMinutes: 1, keep: 1 },
};

const tinySiameseRate = { optimizer: { baseLearningRate: 0.012 } };

export function paperStudy(scale: Scale, { train, test, classes }: PaperImages, name: string): StudyFile {
  const isTiny = scale === 'tiny';
  // The paper's rates are for batches of 4096 and 224 pixels.
  const rows = paperRows(scale, classes).map((row) => (isTiny && (row.preset?.startsWith('siamese-') || row.preset?.startsWith('mae-')) ? { ...row, run: { ...row.run, ...tinySiameseRate } } : row));
  return {
    name,
    title: isTiny ? 'SiameseIM\'s tables, at tiny size' : 'SiameseIM\'s tables',
    notes: [
      ...(isTiny ? ['Small encoders, small images and minutes of training: what can be compared with the paper is which row is ahead of which, not its numbers.'] : []),
      `Rows (a) to (k) and "MoCo-v3 with mask" are ${reading}, which gives no settings.`,
      'The paper\'s columns: fine-tuning and linear probing on ImageNet, box and mask AP on COCO, all ViT-B; its ablations have a shorter schedule than its main table.',
      'k-NN on the encoder\'s mean patch feature; PCK: the share of patches whose most similar patch in another view of the image is the true one (PCK@0) or no more than a patch away (PCK@1); prediction: the share of patches whose predicted features are nearest to their own, for rows that predict dense features.',
    ],
    seeds: [0, 1, 2],
    run: { data: { train, ...(test !== null && { test }) }, ...(isTiny && tinyRun) },
    rows,
  };
}
