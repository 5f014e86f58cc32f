/** What a run measures of its own model as it trains. It reads the parameters and draws from no stream of the training, which therefore goes on as if nothing had been. */
import { loadMaterial, measureModel, openSets, type MeasuredSets, type Material, type MeasureSettings } from '../evaluate/measures.ts';
import type { Parameters } from '../nn/parameters.ts';
import type { Measure } from '../protocol.ts';
import type { RunConfig } from './config.ts';

export class Evaluator {
  private readonly config: RunConfig;
  private readonly sets: MeasuredSets;
  /** Decoded when it is first needed. */
  private material: Material | null = null;
  private cancelling: AbortController | null = null;

  private constructor(config: RunConfig, sets: MeasuredSets) {
    this.config = config;
    this.sets = sets;
  }

  /** Null where the run file asks for no evaluations. Throws InputError where its images do not do. */
  static async open(config: RunConfig): Promise<Evaluator | null> {
    const { everyEpochs, everySteps, measures } = config.evaluate;
    if (everyEpochs === null && everySteps === null) return null;
    return new Evaluator(config, await openSets(config.data, measures));
  }

  /** What there is to say about what is not measured. */
  get notes(): string[] {
    const { data, evaluate } = this.config;
    if (!evaluate.measures.includes('neighbours') || this.sets.labelled) return [];
    return [`evaluations are without k-NN: ${data.test === null ? 'data.test names no test images' : `the images in ${data.train} or ${data.test} have no classes`}`];
  }

  /** Measures the model; null where it was cancelled. The engine is current already. */
  async measure(parameters: Parameters): Promise<{ measures: Measure[]; seconds: number } | null> {
    const { model, method, evaluate } = this.config;
    const settings: MeasureSettings = evaluate;
    const started = performance.now();
    const { signal } = (this.cancelling = new AbortController());
    try {
      this.material ??= await loadMaterial(this.sets, model, settings, signal);
      const measures = await measureModel({ model, method, parameters }, this.material, settings, signal);
      return { measures, seconds: (performance.now() - started) / 1000 };
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    } finally {
      this.cancelling = null;
    }
  }

  /** Ends the measuring that is under way, at its next pause. */
  cancel(): void {
    this.cancelling?.abort();
  }
}
