/** The one table of what a study can measure of a model, and the images that it is measured on. */
import { openDataset } from '../data/dataset.ts';
import { pckRates } from '../evaluate/correspondence.ts';
import type { FeatureModel } from '../evaluate/features.ts';
import { drawPairs, type ViewPairs } from '../evaluate/pairs.ts';
import { loadLabelled, probeCorrespondence, probeNeighbours, probePrediction, type LabelledImages } from '../evaluate/probe.ts';
import type { RunConfig } from '../train/config.ts';
import type { ProtocolName } from './protocolNames.ts';
import type { CellMeasure } from './state.ts';

export interface ProtocolSettings {
  protocols: readonly ProtocolName[];
  pairs: number;
  neighbours: number;
}

interface Material {
  /** The same for every run of these images and this model, so that runs are compared on equal terms. */
  pairs: ViewPairs;
  labelled: { train: LabelledImages; test: LabelledImages; classes: number } | null;
  neighbours: number;
}

type Protocol = (model: FeatureModel, material: Material) => Promise<CellMeasure[]>;

const share = (id: string, name: string, value: number, chance: number): CellMeasure => ({ id, name, value, chance });

const table: { [P in ProtocolName]: Protocol } = {
  neighbours: async (model, { labelled, neighbours }) => {
    if (!labelled) return [];
    const { scores } = await probeNeighbours(model, labelled.train, labelled.test, labelled.classes, [neighbours]);
    return [share('neighbours', 'k-NN', scores[0]!.top1.value, 1 / labelled.classes)];
  },
  correspondence: async (model, { pairs }) => {
    const { rates, chance } = pckRates((await probeCorrespondence(model, pairs)).counts);
    return [share('pck0', 'PCK@0', rates[0]!, chance[0]!), share('pck1', 'PCK@1', rates[1]!, chance[1]!)];
  },
  prediction: async (model, { pairs }) => {
    const counts = await probePrediction(model, pairs);
    if (!counts) return [];
    const { rates, chance } = pckRates(counts);
    return [share('prediction', 'prediction', rates[0]!, chance[0]!)];
  },
};

/** Everything that is asked for, in shares of 1. The engine is current already. Test images without classes are used for correspondence alone. */
export async function measureModel(model: FeatureModel, { data }: RunConfig, { protocols, pairs, neighbours }: ProtocolSettings): Promise<CellMeasure[]> {
  const train = await openDataset(data.train);
  const held = data.test === null ? train : await openDataset(data.test);
  const needsClasses = protocols.includes('neighbours') && held !== train && train.classes.length > 1;
  const material: Material = {
    pairs: await drawPairs(held, model.model, Math.min(pairs, Math.max(8, held.length)), 1),
    labelled: needsClasses ? { train: await loadLabelled(train, model.model, train.length), test: await loadLabelled(held, model.model, held.length), classes: train.classes.length } : null,
    neighbours,
  };
  const measures: CellMeasure[] = [];
  for (const protocol of protocols) measures.push(...(await table[protocol](model, material)));
  return measures;
}
