/** Models that the correspondence view looks into: one engine, a few models kept, one piece of work at a time, behind whatever trains. */
import { constants, setPriority, totalmem } from 'node:os';
import { stat } from 'node:fs/promises';
import { openEngine } from '../engines/choose.ts';
import type { Engine } from '../engines/engine.ts';
import { InputError, RunError } from '../errors.ts';
import { attentionMaps } from '../evaluate/attention.ts';
import { componentColours } from '../evaluate/components.ts';
import { compared, truthOf } from '../evaluate/correspond.ts';
import { addPck, matchPatches, pck, pckRates, trueMatches, type PckCounts } from '../evaluate/correspondence.ts';
import { hasTarget, type FeatureModel } from '../evaluate/features.ts';
import { parseLayer } from '../evaluate/layers.ts';
import { openModel, openUntrained, type OpenedModel } from '../evaluate/load.ts';
import { reconstruct } from '../evaluate/reconstruct.ts';
import { normalizeRows } from '../evaluate/vectors.ts';
import { methodOf } from '../methods/registry.ts';
import { modelDimensions, type ModelConfig } from '../nn/model.ts';
import type { AttentionRequest, CorrespondenceCalls, LookedModel, LookedPair, MatchRates, ModelSource, PairChoice, PairRequest, RatesRequest } from '../protocol.ts';
import { drawViews, openImages, wholeImages, type Views } from './correspondenceImages.ts';
import type { AnswerContext } from './serve.ts';

/** Four columns and the untrained model beside them; fewer where they are large. */
const keptModels = 6, keptShare = 0.25;

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
      const { model, method, parameters, assumptions } = await this.open(source, context);
      const dimensions = modelDimensions(model), { imageSize, grid, depth } = dimensions;
      const looked = methodOf(method);
      return {
        method: method.name, arch: model.arch, imageSize, grid, blocks: depth, heads: dimensions.kind === 'transformer' ? dimensions.heads : 0,
        branches: hasTarget({ method, parameters }) ? ['online', 'target'] : ['online'],
        layers: [...Array.from({ length: depth }, (_, i) => `block:${i}`), 'encoder', ...(looked.project ? ['projector'] : []), ...(looked.predict ? ['prediction'] : [])],
        reconstructs: looked.reconstruct !== undefined,
        assumptions: [...assumptions, ...this.notes],
        engine: `${this.engine.name} ${this.engine.version}, ${this.engine.deviceName}, ${this.engine.precision}`,
      };
    });
  }

  pair(request: PairRequest, context: AnswerContext): Promise<LookedPair> {
    return this.inTurn(context, async () => {
      const layer = parseLayer(request.layer);
      const m = await this.open(request.model, context);
      const { imageSize, grid, patches } = modelDimensions(m.model);
      const views = await viewsOf(request, m.model);
      const [cropA, cropB] = views.crops;
      const began = performance.now();
      const [a, b] = await compared(m, views.a, views.b, [views.crops], request.branch, layer);
      const milliseconds = performance.now() - began;
      const { dimension } = a;
      const { best, bestOfA: bestOfB, mutual } = matchPatches(b.values, a.values, patches, dimension);
      const [coloursA, coloursB] = componentColours([a.values, b.values], dimension);
      const isPair = request.b === null;
      const counts = isPair ? pck(best, truthOf(cropA, cropB, grid, layer), grid) : null;
      return {
        imageSize, grid, dimension, a: views.a, b: views.b, nameA: views.nameA, nameB: views.nameB,
        featuresA: normalizeRows(a.values, dimension, 'patch features of a'), featuresB: normalizeRows(b.values, dimension, 'patch features of b'),
        coloursA: coloursA!, coloursB: coloursB!, best, bestOfB, mutual,
        aInB: isPair ? trueMatches(cropB, cropA, grid) : null, bInA: isPair ? trueMatches(cropA, cropB, grid) : null,
        crops: isPair ? { a: cropA, b: cropB } : null,
        pck: counts && counts.total > 0 ? { patches: counts.total, ...pckRates(counts) } : null,
        milliseconds,
      };
    });
  }

  /** A turn a pair, so that who points at a picture meanwhile waits for one at most. */
  async rates({ model: source, images, only, pairs, seed, branch, layer: name }: RatesRequest, context: AnswerContext): Promise<MatchRates> {
    const layer = parseLayer(name);
    const dataset = await openImages(images);
    const counts: PckCounts[] = [];
    let skipped = 0;
    for (let i = 0; i < pairs; i++) {
      context.progress('matching pairs of views', i, pairs);
      const index = only ?? (pairs < dataset.length ? Math.floor(((i + 0.5) * dataset.length) / pairs) : i % dataset.length);
      await this.inTurn(context, async () => {
        const m = await this.open(source, context);
        const { grid, patches } = modelDimensions(m.model);
        const views = await drawViews(dataset, index, m.model, (seed + i) % 2 ** 32).catch((error: unknown) => {
          if (error instanceof InputError) return null;
          throw error;
        });
        if (!views) return void skipped++;
        const [a, b] = await compared(m, views.a, views.b, [views.crops], branch, layer);
        counts.push(pck(matchPatches(b.values, a.values, patches, a.dimension).best, truthOf(...views.crops, grid, layer), grid));
      });
      // Requests that came meanwhile take their turns.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (counts.length === 0) throw new InputError('none of these images can be read');
    return { pairs: counts.length, skipped, ...pckRates(addPck(counts)) };
  }

  attention({ view, block, ...request }: AttentionRequest, context: AnswerContext): Promise<Reply<'correspondence/attention'>> {
    return this.inTurn(context, async () => {
      const m = await this.open(request.model, context);
      return attentionMaps(m, (await viewsOf(request, m.model))[view], request.branch, block);
    });
  }

  reconstruction(request: PairRequest, context: AnswerContext): Promise<Reply<'correspondence/reconstruction'>> {
    return this.inTurn(context, async () => {
      const m = await this.open(request.model, context);
      const { mask, pixels, normalised } = await reconstruct(m, (await viewsOf(request, m.model)).a, request.seed);
      return { imageSize: m.model.imageSize, mask: [...mask], pixels, normalised };
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

const bytesOf = ({ specs }: FeatureModel['parameters']): number => specs.reduce((sum, { shape }) => sum + 4 * shape.reduce((product, n) => product * n, 1), 0);

async function viewsOf({ a, b, seed }: Pick<PairRequest, 'a' | 'b'> & Pick<PairChoice, 'seed'>, model: ModelConfig): Promise<Views> {
  return b === null ? drawViews(await openImages(a.source), a.index, model, seed) : wholeImages(a, b, modelDimensions(model).imageSize);
}
