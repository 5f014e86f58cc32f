/** The evaluations of a run as its main thread sees them: when one is due, that a stop ends it, and where its numbers go. */
import type { EvaluationRow, TrainingOpened } from '../protocol.ts';
import type { RunConfig } from './config.ts';
import { isEvaluated } from './evaluations.ts';
import type { RunJournal } from './journal.ts';
import type { TrainingThread } from './trainingThread.ts';

export interface RunEvaluationsOptions {
  config: RunConfig['evaluate'];
  thread: TrainingThread;
  stop: AbortSignal;
  journal: RunJournal;
  opened: TrainingOpened;
  /** Steps finished when the model was last measured; -1 for never. */
  last: number;
  /** Waits for the thread no longer than a stop allows. */
  answered: <T>(call: Promise<T>) => Promise<T>;
  /** Whether an error means that the thread is beyond waiting for. */
  isWedged: (error: unknown) => boolean;
  record: (row: EvaluationRow) => Promise<void>;
}

export class RunEvaluations {
  private readonly options: RunEvaluationsOptions;
  private last: number;

  constructor(options: RunEvaluationsOptions) {
    this.options = options;
    this.last = options.last;
  }

  isDue(step: number): boolean {
    return step > this.last && isEvaluated(this.options.config, this.options.opened, step);
  }

  /** Measures the model where that is due. A stop ends it, and it is done when the run is resumed; a failure is said, and training goes on. */
  async evaluate(step: number, elapsedSeconds: () => number): Promise<void> {
    const { stop, journal, opened, record } = this.options;
    if (!this.isDue(step) || stop.aborted) return;
    journal.evaluating(step);
    try {
      const found = await this.measured(step);
      if (!found) return;
      const { measures, seconds } = found;
      await record({ step, epoch: Number((step / opened.stepsPerEpoch).toFixed(4)), elapsed_seconds: Number(elapsedSeconds().toFixed(3)), eval_seconds: Number(seconds.toFixed(3)), ...Object.fromEntries(measures.map(({ id, value }) => [`eval_${id}`, value])) });
      this.last = step;
      journal.evaluated({ step, measures }, seconds);
    } finally {
      journal.evaluationEnded();
    }
  }

  /** Null where there is nothing to record. */
  private async measured(step: number) {
    const { stop, thread, journal, answered, isWedged } = this.options;
    const cancel = (): void => void thread.call('cancel', {}).catch(() => undefined);
    stop.addEventListener('abort', cancel);
    try {
      return await answered(thread.call('evaluate', {}));
    } catch (error) {
      if (isWedged(error)) throw error;
      this.last = step;
      journal.say('warning', `step ${step} could not be evaluated, and training goes on: ${(error as Error).message}`);
      return null;
    } finally {
      stop.removeEventListener('abort', cancel);
    }
  }
}
