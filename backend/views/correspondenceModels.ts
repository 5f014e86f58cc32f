/** Models that the correspondence view looks into: one engine, a few models kept, one piece of work at a time, behind whatever trains. */
import { constants, setPriority, totalmem } from 'node:os';
import { stat } from 'node:fs/promises';
import type { Dataset } from '../data/dataset.ts';
import { loadSample } from '../data/image.ts';
import { openEngine } from '../engines/choose.ts';
import type { Engine } from '../engines/engine.ts';
import { InputError, RunError } from '../errors.ts';
import { assignmentOf, crossEntropyOf, prototypeLogits } from '../evaluate/assignment.ts';
import { patchCodes } from '../evaluate/codes.ts';
import { attentionMaps } from '../evaluate/attention.ts';
import { componentColours } from '../evaluate/components.ts';
import { compared, truthOf } from '../evaluate/correspond.ts';
import { addPck, matchPatches, pck, pckRates, trueMatches, type PckCounts } from '../evaluate/correspondence.ts';
import { hasTarget, type FeatureModel } from '../evaluate/features.ts';
import { Gathering } from '../evaluate/gather.ts';
import { parseLayer, type Layer } from '../evaluate/layers.ts';
import { openModel, openUntrained, type OpenedModel } from '../evaluate/load.ts';
import { lookedViews, looksOf, trainingPlan } from '../evaluate/looks.ts';
import { reconstruct } from '../evaluate/reconstruct.ts';
import { normalizeRows } from '../evaluate/vectors.ts';
import { methodOf } from '../methods/registry.ts';
import { modelDimensions } from '../nn/model.ts';
import type { AttentionRequest, CorrespondenceCalls, GatherRequest, ImageSource, LookedModel, LookedPair, MatchRates, ModelSource, PairChoice, PairRequest, RatesRequest, Sorted } from '../protocol.ts';
import { drawViews, openImages, wholeImages, type Views } from './correspondenceImages.ts';
import type { AnswerContext } from './serve.ts';

/** Four columns and the untrained model beside them; fewer where they are large. */
const keptModels = 6, keptShare = 0.25;
/** Prototypes of a view that are told, and images that are sorted at once. */
const shownPrototypes = 12, gatherBatch = 32;

type Reply<K extends keyof CorrespondenceCalls> = CorrespondenceCalls[K]['reply'];

/** Opens the engine, with what is free of the processor: a run that trains comes first. */
export async function openModelDrawer(): Promise<ModelDrawer> {
  try {
    // Before the engine's threads are there: they take over what this one has.
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Where it is not allowed, the view shares alike.
  }
  const notes: string[] = [];
  return new ModelDrawer(await openEngine({}, { say: (line) => notes.push(line) }), notes);
}

export class ModelDrawer {
  private readonly engine: Engine;
  private readonly notes: string[];
  /** By path and when it was written; the last one used is the last. */
  private readonly models = new Map<string, OpenedModel>();
  private working: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, notes: string[]) {
    this.engine = engine;
    this.notes = notes;
  }

  model({ model: source }: { model: ModelSource }, context: AnswerContext): Promise<LookedModel> {
    return this.inTurn(context, async () => {
      const m = await this.open(source, context);
      const { imageSize, grid } = modelDimensions(m.model);
      return {
        method: m.method.name, arch: methodOf(m.method).tokens ? 'convolutions' : m.model.arch, imageSize, grid, looks: looksOf(m), views: lookedViews(trainingPlan(m), m.method),
        branches: hasTarget(m) ? ['online', 'target'] : ['online'],
        assumptions: [...m.assumptions, ...this.notes],
        engine: `${this.engine.name} ${this.engine.version}, ${this.engine.deviceName}, ${this.engine.precision}`,
      };
    });
  }

  pair(request: PairRequest, context: AnswerContext): Promise<LookedPair> {
    return this.onPair(request, context, async (m, views) => {
      const layer = parseLayer(request.layer);
      const [cropA, cropB] = views.crops, [gridA, gridB] = gridsOf(views, m);
      const masks = shownMasks(views, request, layer);
      const began = performance.now();
      const [a, b] = await compared(m, views.a, views.b, [views.crops], request.branch, layer, seenUnder(masks.a, layer));
      const milliseconds = performance.now() - began;
      const { dimension } = a;
      const { best, bestOfA: bestOfB, mutual } = matchPatches(b.values, a.values, gridB ** 2, dimension, gridA ** 2);
      const [coloursA, coloursB] = componentColours([a.values, b.values], dimension);
      const isPair = request.b === null;
      const counts = isPair ? pck(best, truthOf(cropA, cropB, gridA, layer, gridB), gridB) : null;
      return {
        imageSize: { a: views.sizes[0], b: views.sizes[1] }, grid: { a: gridA, b: gridB }, dimension, a: views.a, b: views.b, nameA: views.nameA, nameB: views.nameB,
        masks: { a: masks.a && [...masks.a], b: masks.b && [...masks.b] },
        featuresA: normalizeRows(a.values, dimension, 'patch features of a'), featuresB: normalizeRows(b.values, dimension, 'patch features of b'),
        coloursA: coloursA!, coloursB: coloursB!, best, bestOfB, mutual,
        aInB: isPair ? trueMatches(cropB, cropA, gridB, gridA) : null, bInA: isPair ? trueMatches(cropA, cropB, gridA, gridB) : null,
        crops: isPair ? { a: cropA, b: cropB } : null,
        pck: counts && counts.total > 0 ? { patches: counts.total, ...pckRates(counts) } : null,
        milliseconds,
      };
    });
  }

  async rates({ model: source, images, only, pairs, layer: name, ...choice }: RatesRequest, context: AnswerContext): Promise<MatchRates> {
    const layer = parseLayer(name);
    const counts: PckCounts[] = [];
    const drawn = (m: OpenedModel, dataset: Dataset, index: number, i: number): Promise<Views> => drawViews(dataset, index, m, { ...choice, seed: (choice.seed + i) % 2 ** 32 });
    const skipped = await this.overImages({ source, images, count: pairs, what: 'matching pairs of views', only, read: drawn }, context, async (m, views) => {
      const [gridA, gridB] = gridsOf(views, m);
      const [a, b] = await compared(m, views.a, views.b, [views.crops], choice.branch, layer, seenUnder(shownMasks(views, choice, layer).a, layer));
      counts.push(pck(matchPatches(b.values, a.values, gridB ** 2, a.dimension, gridA ** 2).best, truthOf(...views.crops, gridA, layer, gridB), gridB));
    });
    if (counts.length === 0) throw new InputError('none of these images can be read');
    return { pairs: counts.length, skipped, ...pckRates(addPck(counts)) };
  }

  attention({ view, block, ...request }: AttentionRequest, context: AnswerContext): Promise<Reply<'correspondence/attention'>> {
    return this.onPair(request, context, (m, views) => attentionMaps(m, views[view], request.branch, block));
  }

  codes(request: PairRequest, context: AnswerContext): Promise<Reply<'correspondence/codes'>> {
    return this.onPair(request, context, async (m, { a, b, sizes }) => ({ a: await patchCodes(m, a, sizes[0]), b: await patchCodes(m, b, sizes[1]) }));
  }

  assignments(request: PairRequest, context: AnswerContext): Promise<Reply<'correspondence/assignments'>> {
    return this.onPair(request, context, async (m, views) => {
      const [a, b] = [await prototypeLogits(m, views.a, views.sizes[0]), await prototypeLogits(m, views.b, views.sizes[1])];
      return { a: assignmentOf(a, shownPrototypes), b: assignmentOf(b, shownPrototypes), crossEntropy: crossEntropyOf(a, b) };
    });
  }

  async gather({ model: source, images, by, count }: GatherRequest, context: AnswerContext): Promise<Reply<'correspondence/gather'>> {
    const { gathering, skipped } = await this.gathered({ source, images, by, count }, context);
    if (!gathering) throw new InputError('none of these images can be read');
    return gathering.result(skipped);
  }

  /** Images that cannot be read are black: the others are shown all the same. */
  pictures({ model: source, images, indices }: CorrespondenceCalls['correspondence/pictures']['request'], context: AnswerContext): Promise<Reply<'correspondence/pictures'>> {
    return this.inTurn(context, async () => {
      const { imageSize } = (await this.open(source, context)).model;
      const dataset = await openImages(images);
      const known = indices.filter((index) => index < dataset.length), bytes = 3 * imageSize ** 2;
      const pixels = new Uint8Array(known.length * bytes);
      for (const [i, index] of known.entries()) {
        const image = await unlessUnreadable(loadSample(dataset, index, imageSize));
        if (image) pixels.set(image, i * bytes);
      }
      return { imageSize, names: known.map((index) => dataset.file(index)), pixels };
    });
  }

  reconstruction(request: PairRequest, context: AnswerContext): Promise<Reply<'correspondence/reconstruction'>> {
    return this.onPair(request, context, async (m, { a, masks }) => {
      const { mask, pixels, normalised } = await reconstruct(m, a, masks[0]);
      return { imageSize: m.model.imageSize, mask: mask && [...mask], pixels, normalised };
    });
  }

  /** Sorts images a batch at a time: many at once take less time than one after the other. */
  private async gathered({ source, images, by, count }: { source: ModelSource; images: ImageSource; by: Sorted; count: number }, context: AnswerContext): Promise<{ gathering: Gathering | null; skipped: number }> {
    let gathering: Gathering | null = null;
    let waiting: { index: number; pixels: Uint8Array }[] = [];
    const sort = async (m: OpenedModel): Promise<void> => {
      const size = m.model.imageSize, bytes = 3 * size ** 2;
      const pixels = new Uint8Array(waiting.length * bytes);
      waiting.forEach((image, i) => pixels.set(image.pixels, i * bytes));
      const method = methodOf(m.method);
      const values = by === 'codes' ? await patchCodes(m, pixels, size) : await prototypeLogits(m, pixels, size);
      gathering ??= new Gathering((by === 'codes' ? method.codeCount : method.prototypeCount)!(m.method));
      const each = values.length / waiting.length;
      waiting.forEach(({ index }, i) => {
        const own = values.subarray(i * each, (i + 1) * each);
        if (own instanceof Int32Array) gathering!.addCodes(index, own);
        else gathering!.addLogits(index, own);
      });
      waiting = [];
    };
    const read = async (m: OpenedModel, dataset: Dataset, index: number) => ({ index, pixels: await loadSample(dataset, index, m.model.imageSize) });
    const skipped = await this.overImages({ source, images, count, what: 'sorting images', only: null, read }, context, async (m, image) => {
      waiting.push(image);
      if (waiting.length >= gatherBatch) await sort(m);
    });
    if (waiting.length > 0) await this.inTurn(context, async () => sort(await this.open(source, context)));
    return { gathering, skipped };
  }

  /** Images spread over all, each in a turn of its own, so that who points at a picture meanwhile waits for one at most; how many could not be read. */
  private async overImages<R>({ source, images, count, what, only, read }: Walk<R>, context: AnswerContext, work: (m: OpenedModel, image: R) => Promise<void>): Promise<number> {
    const dataset = await openImages(images);
    let skipped = 0;
    for (let i = 0; i < count; i++) {
      context.progress(what, i, count);
      const index = only ?? (count < dataset.length ? Math.floor(((i + 0.5) * dataset.length) / count) : i % dataset.length);
      await this.inTurn(context, async () => {
        const m = await this.open(source, context);
        const image = await unlessUnreadable(read(m, dataset, index, i));
        if (image === null) skipped++;
        else await work(m, image);
      });
      // Requests that came meanwhile take their turns.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return skipped;
  }

  private onPair<T>(request: PairRequest, context: AnswerContext, work: (m: OpenedModel, views: Views) => Promise<T>): Promise<T> {
    return this.inTurn(context, async () => {
      const m = await this.open(request.model, context);
      return work(m, request.b === null ? await drawViews(await openImages(request.a.source), request.a.index, m, request) : await wholeImages(request.a, request.b, m, request.seed));
    });
  }

  /** Tensors are of one thread: work waits for the work before it, and is not begun where nobody waits any more. */
  private inTurn<T>(context: AnswerContext, work: () => Promise<T>): Promise<T> {
    const result = this.working.then(() => {
      if (context.signal.aborted) throw new RunError('cancelled');
      return work();
    });
    this.working = result.catch(() => undefined);
    return result;
  }

  private async open({ checkpoint, untrained }: ModelSource, { progress }: AnswerContext): Promise<OpenedModel> {
    const { mtimeMs } = await stat(checkpoint).catch((error: NodeJS.ErrnoException) => {
      throw new InputError(error.code === 'ENOENT' ? `${checkpoint} is not there any more: a run keeps its newest checkpoints alone ("checkpoint": {"keep": ...})` : `${checkpoint} cannot be opened (${error.code ?? error.message})`);
    });
    const name = `${checkpoint}\n${untrained ? 'untrained' : mtimeMs}`;
    const known = this.models.get(name);
    if (known) {
      this.models.delete(name);
      this.models.set(name, known);
      return known;
    }
    progress(untrained ? 'drawing initial values' : 'reading the checkpoint');
    const opened = await (untrained ? openUntrained(checkpoint) : openModel(checkpoint));
    this.models.set(name, opened);
    const bytes = (): number => [...this.models.values()].reduce((sum, { parameters }) => sum + bytesOf(parameters), 0);
    while (this.models.size > 1 && (this.models.size > keptModels || bytes() > keptShare * totalmem())) {
      const [oldest, model] = this.models.entries().next().value!;
      this.models.delete(oldest);
      model.parameters.dispose();
    }
    return opened;
  }
}

/** Images that are gone through: `count` of them, or this one as many times. */
interface Walk<R> {
  source: ModelSource;
  images: ImageSource;
  count: number;
  only: number | null;
  /** For people. */
  what: string;
  read(this: void, m: OpenedModel, dataset: Dataset, index: number, i: number): Promise<R>;
}

const bytesOf = ({ specs }: FeatureModel['parameters']): number => specs.reduce((sum, { shape }) => sum + 4 * shape.reduce((product, n) => product * n, 1), 0);

const gridsOf = ({ sizes }: Views, { model }: OpenedModel): [number, number] => [sizes[0] / model.patchSize, sizes[1] / model.patchSize];

/** Views of training are shown with what training hides of them; other pictures where the method predicts from what it sees of a. */
function shownMasks({ masks: [a, b] }: Views, { views, masked }: Pick<PairChoice, 'views' | 'masked'>, layer: Layer): { a: Uint8Array | null; b: Uint8Array | null } {
  if (!masked) return { a: null, b: null };
  return views ? { a, b } : { a: layer.kind === 'prediction' ? a : null, b: null };
}

const seenUnder = (mask: Uint8Array | null, layer: Layer): Uint8Array[] | null => (mask && layer.kind === 'prediction' ? [mask] : null);

/** null for an image that cannot be read. */
async function unlessUnreadable<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (error instanceof InputError) return null;
    throw error;
  });
}
