/** Models that the correspondence view looks into: one engine, a few models kept, one piece of work at a time, behind whatever trains. */
import { constants, setPriority } from 'node:os';
import { stat } from 'node:fs/promises';
import type { Crop } from '../augment/geometry.ts';
import { imageDataset, loadImage } from '../data/image.ts';
import { traceSample } from '../data/trace.ts';
import { openEngine } from '../engines/choose.ts';
import type { Engine } from '../engines/engine.ts';
import { InputError, RunError } from '../errors.ts';
import { attentionMaps } from '../evaluate/attention.ts';
import { componentColours } from '../evaluate/components.ts';
import { compared, truthOf } from '../evaluate/correspond.ts';
import { addPck, matchPatches, pck, pckRates, type PckCounts } from '../evaluate/correspondence.ts';
import type { FeatureModel } from '../evaluate/features.ts';
import { parseLayer, type Layer } from '../evaluate/layers.ts';
import { openModel, untrained, type OpenedModel } from '../evaluate/load.ts';
import { pairPlan } from '../evaluate/pairs.ts';
import { reconstruct } from '../evaluate/reconstruct.ts';
import { normalizeRows } from '../evaluate/vectors.ts';
import type { Branch } from '../methods/method.ts';
import { methodOf } from '../methods/registry.ts';
import { encoderBlock } from '../nn/encoder.ts';
import { modelDimensions, type ModelConfig } from '../nn/model.ts';
import type { AttentionRequest, CorrespondenceCalls, LookedAttention, LookedModel, LookedPair, LookedReconstruction, MatchRates, PairRequest, ReconstructionRequest } from '../protocol.ts';
import type { AnswerContext } from './serve.ts';

const keptModels = 4;

interface Views {
  a: Uint8Array;
  b: Uint8Array;
  crops: [a: Crop, b: Crop];
}

/** Opens the engine, with what is free of the processor: a run that trains comes first. */
export async function openModelDrawer(): Promise<ModelDrawer> {
  try {
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

  model({ checkpoint }: { checkpoint: string }, context: AnswerContext): Promise<LookedModel> {
    return this.inTurn(context, async () => {
      const { model, method, parameters, assumptions } = await this.open(checkpoint, context);
      const { imageSize, grid, depth } = modelDimensions(model);
      const looked = methodOf(method);
      return {
        method: method.name, arch: model.arch, imageSize, grid, blocks: depth, heads: encoderBlock(model).heads,
        branches: parameters.has(`${(looked.encoders ?? { target: 'mm_' }).target}cls_token`) ? ['online', 'target'] : ['online'],
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
      const m = await this.open(request.checkpoint, context);
      const { imageSize, grid } = modelDimensions(m.model);
      const views = request.b === null ? await drawViews(request.a, m.model, request.seed) : await wholeImages(request.a, request.b, imageSize);
      const began = performance.now();
      const [a, b] = await compared(m, views.a, views.b, [views.crops], request.branch, layer);
      const milliseconds = performance.now() - began;
      const [coloursA, coloursB] = componentColours([a.values, b.values], a.dimension);
      return {
        imageSize, grid, a: views.a, b: views.b, dimension: a.dimension,
        featuresA: normalizeRows(a.values, a.dimension, 'patch features of a'), featuresB: normalizeRows(b.values, b.dimension, 'patch features of b'),
        coloursA: coloursA!, coloursB: coloursB!,
        truth: request.b === null ? truthOf(...views.crops, grid, layer) : null,
        crops: request.b === null ? { a: views.crops[0], b: views.crops[1] } : null,
        milliseconds,
      };
    });
  }

  rates({ checkpoint, images, pairs, seed, branch, layer: name }: CorrespondenceCalls['rates']['request'], context: AnswerContext): Promise<MatchRates> {
    return this.inTurn(context, async () => {
      const layer = parseLayer(name);
      const m = await this.open(checkpoint, context);
      const start = m.config && untrained(m.model, m.method, m.config.seed);
      const counts: PckCounts[] = [], before: PckCounts[] = [];
      try {
        for (let i = 0; i < pairs; i++) {
          if (context.signal.aborted) throw new RunError('cancelled');
          context.progress('matching pairs of views', i, pairs);
          // One after the other, so that a click need not wait for all.
          const views = await drawViews(images[i % images.length]!, m.model, seed + i).catch((error: unknown) => {
            if (error instanceof InputError) return null;
            throw error;
          });
          if (!views) continue;
          counts.push(await counted(m, views, branch, layer));
          if (start) before.push(await counted(start, views, branch, layer));
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        start?.parameters.dispose();
      }
      if (counts.length === 0) throw new InputError('none of these images can be read');
      const { rates, chance } = pckRates(addPck(counts));
      return { pairs: counts.length, rates, chance, untrained: before.length > 0 ? pckRates(addPck(before)).rates : null };
    });
  }

  attention({ checkpoint, pixels, branch, block }: AttentionRequest, context: AnswerContext): Promise<LookedAttention> {
    return this.inTurn(context, async () => {
      const m = await this.open(checkpoint, context);
      checkPixels(pixels, m.model);
      return attentionMaps(m, pixels, branch, block);
    });
  }

  reconstruction({ checkpoint, pixels, seed }: ReconstructionRequest, context: AnswerContext): Promise<LookedReconstruction> {
    return this.inTurn(context, async () => {
      const m = await this.open(checkpoint, context);
      checkPixels(pixels, m.model);
      const { mask, pixels: painted, normalised } = await reconstruct(m, pixels, seed);
      return { imageSize: m.model.imageSize, mask, reconstruction: painted, normalised };
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

  private async open(path: string, { progress }: AnswerContext): Promise<OpenedModel> {
    const { mtimeMs } = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new InputError(`${path} cannot be opened (${error.code ?? error.message}): it may have been deleted`);
    });
    const name = `${path}\n${mtimeMs}`;
    const known = this.models.get(name);
    if (known) {
      this.models.delete(name);
      this.models.set(name, known);
      return known;
    }
    progress('reading the checkpoint');
    const opened = await openModel(path);
    this.models.set(name, opened);
    if (this.models.size > keptModels) {
      const [oldest, model] = this.models.entries().next().value!;
      this.models.delete(oldest);
      model.parameters.dispose();
    }
    return opened;
  }
}

/** The pair that `siamscope correspond` draws first for this seed. */
async function drawViews(path: string, model: ModelConfig, seed: number): Promise<Views> {
  const { views } = await traceSample(imageDataset(path), pairPlan(model), { seed, epoch: 0, index: 0 });
  const [a, b] = views;
  return { a: a!.pixels, b: b!.pixels, crops: [a!.crop, b!.crop] };
}

async function wholeImages(pathA: string, pathB: string, size: number): Promise<Views> {
  const whole: Crop = { top: 0, left: 0, height: size, width: size, flipped: false, imageWidth: size, imageHeight: size };
  return { a: await loadImage(pathA, size), b: await loadImage(pathB, size), crops: [whole, whole] };
}

async function counted(m: FeatureModel, { a, b, crops }: Views, branch: Branch, layer: Layer): Promise<PckCounts> {
  const { grid, patches } = modelDimensions(m.model);
  const [from, to] = await compared(m, a, b, [crops], branch, layer);
  return pck(matchPatches(to.values, from.values, patches, from.dimension).best, truthOf(...crops, grid, layer), grid);
}

function checkPixels(pixels: Uint8Array, { imageSize }: ModelConfig): void {
  if (pixels.length !== imageSize ** 2 * 3) throw new InputError(`this model takes images of ${imageSize} by ${imageSize} pixels, ${imageSize ** 2 * 3} bytes, not ${pixels.length}`);
}
