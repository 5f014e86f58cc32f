/** A training run from its first step to its last: what is asked of the training thread, what is written, and how it ends. */
import { RunError } from '../errors.ts';
import { privateFolder } from '../link/privateFolder.ts';
import type { EngineSummary, MetricsRow, QueuePlace, RunEvent, RunState, StepRates, TrainingOpened, TrainingStep } from '../protocol.ts';
import { newestCheckpoint, saveCheckpoint, type Checkpoint } from './checkpoint.ts';
import type { RunConfig } from './config.ts';
import { takeTurn, type Turn } from './deviceQueue.ts';
import { likelyDevice, sharedName } from './devices.ts';
import { isDiskFull, patiently } from './disk.ts';
import { describeFailure, describeWriteFailure, runFailure } from './failures.ts';
import { RunFolder } from './folder.ts';
import { RunJournal } from './journal.ts';
import { MetricsLog } from './metrics.ts';
import { ratesAt } from './rates.ts';
import { RunEvaluations } from './runEvaluations.ts';
import type { RunServer } from '../server.ts';
import type { TrainingError, TrainingThread } from './trainingThread.ts';

export interface RunOptions {
  config: RunConfig;
  /** Of the run; made where it is not there. */
  folder: string;
  /** Go on from the newest whole checkpoint where there is one. */
  resume: boolean;
  thread: TrainingThread;
  /** Finish the step in work, save, and end. */
  stop: AbortSignal;
  /** Wait for no other run of the device; default: wait. */
  now?: boolean;
  onEvent: (event: RunEvent) => void;
}

export interface RunOutcome {
  state: Extract<RunState, 'done' | 'stopped' | 'failed'>;
  step: number;
  elapsedSeconds: number;
  /** Why it failed, or could not save when it was stopped. */
  error: Error | null;
  /** The training thread did not answer any more: only ending the process ends it. */
  wedged: boolean;
}

/** A stop that takes longer ends without a checkpoint: whoever stops a run ends its process after 30 s. */
const stopMilliseconds = 25_000;
const diskPatienceMilliseconds = 600_000;

class WedgedError extends RunError {}

const engineText = ({ name, version, device, precision }: EngineSummary): string => `${name} ${version}, ${device}, ${precision}`;

/** Runs until the schedule ends, `stop` is asked for, or something fails. Rejects only where the folder cannot be taken. */
export async function trainRun(options: RunOptions): Promise<RunOutcome> {
  const folder = await RunFolder.open(options.folder, options.config, options.resume);
  // Whoever is connected to the run may stop it as well.
  const stopByClient = new AbortController();
  const stop = AbortSignal.any([options.stop, stopByClient.signal]);
  const run = new Run({ ...options, stop }, folder);
  const stopping = (): void => run.announceStop();
  stop.addEventListener('abort', stopping);
  const serving = run.serve(() => stopByClient.abort());
  let turn: Turn | null = null;
  try {
    turn = await run.waitForTurn();
    if (!stop.aborted) await run.open();
    if (run.device) await turn?.uses(sharedName(run.device)).catch(() => undefined);
    await run.train();
    return await run.end(stop.aborted && !run.isComplete ? 'stopped' : 'done', null);
  } catch (error) {
    const isStop = error instanceof WedgedError || (stop.aborted && isDiskFull(error));
    return await run.end(isStop ? 'stopped' : 'failed', describeWriteFailure(error as Error, options.folder));
  } finally {
    stop.removeEventListener('abort', stopping);
    await turn?.release();
    await (await serving)?.close();
    folder.status.socket = null;
    await folder.close();
  }
}

class Run {
  private readonly options: RunOptions;
  private readonly folder: RunFolder;
  private readonly journal: RunJournal;
  private metrics: MetricsLog | null = null;
  private opened: TrainingOpened | null = null;
  /** Steps finished; steps of the newest checkpoint. */
  private step = 0;
  private savedStep = -1;
  private evaluations: RunEvaluations | null = null;
  /** On the monotonic clock, which neither a clock set back nor a night's suspend moves. */
  private startedAt = performance.now();
  private savedAt = performance.now();
  private elapsedBefore = 0;
  private readonly abandoned: Promise<never>;
  /** Who watches: the caller, and the server once there is one. */
  private server: RunServer | null = null;
  private newestRow: MetricsRow | null = null;
  /** Saves that were asked for from outside; null: there is no training that could be saved. */
  private saveRequests: { resolve: (step: number) => void; reject: (error: Error) => void }[] | null = null;

  constructor(options: RunOptions, folder: RunFolder) {
    this.options = options;
    this.folder = folder;
    this.journal = new RunJournal(options.config, folder, (event) => {
      if (event.kind === 'step') this.newestRow = event.row;
      options.onEvent(event);
      this.server?.tellEvent(event);
    });
    this.abandoned = abandonedAfter(options.stop);
  }

  /** What the engine computes on, once it is open. */
  get device(): string | null {
    return this.opened?.engine.device ?? null;
  }

  /** Lets others watch and stop the run. Where no socket can be had the run goes on without: its folder tells all but the latest second. */
  async serve(stop: () => void): Promise<RunServer | null> {
    try {
      // Loaded beside the engine, which takes longer.
      const { serveRun } = await import('../server.ts');
      this.server = await serveRun({ folder: this.folder.path, status: () => this.folder.status, newestRow: () => this.newestRow, stop, save: () => this.requestSave() });
    } catch (error) {
      this.journal.say('warning', `nobody can connect to this run: ${(error as Error).message}`);
      return null;
    }
    this.folder.status.socket = this.server.path;
    this.folder.onStatus = this.server.tellStatus;
    await this.folder.writeStatus();
    return this.server;
  }

  /** Waits while other runs have the device. Null where there is nobody to wait for, or the run was stopped before its turn. */
  async waitForTurn(): Promise<Turn | null> {
    const { config, now = false, stop } = this.options;
    const onWait = (place: QueuePlace): void => {
      Object.assign(this.folder.status, { state: stop.aborted ? 'stopping' : 'queued', queue: place });
      void this.folder.log(`waits for ${place.device}: ${place.ahead} ahead, first process ${place.holder.pid} with ${place.holder.run}`);
      void this.folder.writeStatus();
      this.journal.tell({ kind: 'queued', place });
    };
    let turn: Turn | null;
    try {
      turn = await takeTurn({ folder: await privateFolder(), run: this.folder.path, device: likelyDevice(config.engine), now, stop, onWait });
    } catch (error) {
      this.journal.say('warning', `this run does not wait for others of its device: ${(error as Error).message}`);
      return null;
    }
    this.folder.status.queue = null;
    if (turn && this.folder.status.state === 'queued') {
      this.folder.status.state = 'starting';
      await this.folder.writeStatus();
    }
    return turn;
  }

  private requestSave(): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.saveRequests) this.saveRequests.push({ resolve, reject });
      else reject(new RunError('there is nothing to save: the run is not training'));
    });
  }

  get isComplete(): boolean {
    return this.opened !== null && this.step >= this.opened.totalSteps && !this.evaluations?.isDue(this.step);
  }

  /** Loads engine, images and, on resuming, the checkpoint. */
  async open(): Promise<void> {
    const { config, thread, resume } = this.options;
    const checkpoint = resume ? await newestCheckpoint(this.folder.checkpoints, (message) => this.journal.say('warning', message)) : null;
    if (resume && !checkpoint) this.journal.say('note', 'there is no checkpoint yet: the run begins from its start');
    this.opened = await this.answered(thread.call('open', { config, checkpoint: checkpoint && { step: checkpoint.state.step, folder: checkpoint.folder } })).catch((error: Error) => {
      throw describeFailure(error, 0, config, null);
    });
    for (const note of this.opened.notes) this.journal.say('note', note);
    if (checkpoint) this.continueFrom(checkpoint, this.opened);
    this.metrics = await MetricsLog.open(this.folder.path, this.step);
    this.evaluations = new RunEvaluations({
      config: config.evaluate, thread, stop: this.options.stop, journal: this.journal, opened: this.opened, last: this.metrics.lastEvaluation,
      answered: (call) => this.answered(call), isWedged: (error) => error instanceof WedgedError, record: (row) => this.onDisk('evaluations.jsonl', () => this.metrics!.appendEvaluation(row)),
    });
    this.startedAt = this.savedAt = performance.now();
    const { engine, images, classes, parameters, totalSteps: steps, stepsPerEpoch } = this.opened;
    const resumedFrom = checkpoint && this.step;
    Object.assign(this.folder.status, { state: this.options.stop.aborted ? 'stopping' : 'running', engine, images, steps, step: this.step, resumedFrom, checkpoint: resumedFrom });
    await this.folder.writeStatus();
    this.journal.tell({ kind: 'opened', folder: this.folder.path, engine, images, classes, parameters, steps, stepsPerEpoch, resumedFrom });
    if (images < config.batch.size) this.journal.say('warning', `${images} images are fewer than a batch of ${config.batch.size}: every batch has some of them more than once`);
  }

  private continueFrom({ state }: Checkpoint, { images, engine }: TrainingOpened): void {
    this.step = this.savedStep = state.step;
    this.elapsedBefore = state.elapsedSeconds;
    if (state.images !== images) this.journal.say('warning', `the dataset has ${images} images, and had ${state.images} when the run was saved: samples come in another order from here on`);
    if (state.engine !== engineText(engine)) this.journal.say('warning', `the run was saved on ${state.engine} and goes on on ${engineText(engine)}: from here on its numbers are not to the bit those that it would have had`);
  }

  async train(): Promise<void> {
    const { stop, thread } = this.options;
    this.saveRequests = [];
    await this.evaluate();
    while (!this.isComplete && !stop.aborted) {
      const rates = ratesAt(this.options.config, this.opened!, this.step);
      let report: TrainingStep;
      try {
        report = await this.answered(thread.call('step', { rates }));
      } catch (error) {
        if (error instanceof WedgedError) throw error;
        throw await this.failedStep(error as TrainingError);
      }
      const row = this.rowOf(report, rates);
      await this.onDisk('metrics.jsonl', () => this.metrics!.append(row));
      this.step = row.step;
      this.journal.skipped(report.skipped);
      this.journal.step(row, this.opened!);
      await this.watchHealth();
      await this.evaluate();
      if ((this.isSaveDue() || this.saveRequests.length > 0) && !this.isComplete && !stop.aborted) await this.save();
    }
    await this.save();
  }

  private evaluate(): Promise<void> | undefined {
    return this.evaluations?.evaluate(this.step, () => this.elapsedSeconds);
  }

  private rowOf({ loss, gradNorm, metrics, seconds, dataSeconds, deviceBytes }: TrainingStep, { learningRate, momentum }: StepRates): MetricsRow {
    const { batch } = this.options.config;
    const step = this.step + 1;
    return {
      step,
      epoch: round(step / this.opened!.stepsPerEpoch, 4),
      loss,
      ...metrics,
      grad_norm: gradNorm,
      learning_rate: learningRate,
      ...(momentum === null ? {} : { momentum }),
      images_per_second: round((batch.size * batch.accumulate) / seconds, 2),
      seconds: round(seconds, 4),
      data_seconds: round(dataSeconds, 4),
      elapsed_seconds: round(this.elapsedSeconds, 3),
      memory_mb: Math.round(process.memoryUsage.rss() / 2 ** 20),
      ...(deviceBytes === null ? {} : { device_memory_mb: Math.round(deviceBytes / 2 ** 20) }),
    };
  }

  private get elapsedSeconds(): number {
    return this.elapsedBefore + (performance.now() - this.startedAt) / 1000;
  }

  /** Illness that the run file wants to end the run ends it here, with all that was computed saved. */
  private async watchHealth(): Promise<void> {
    const [finding] = this.journal.health();
    if (!finding || this.options.config.health.onCollapse === 'warn') return;
    await this.save();
    throw new RunError(`step ${finding.step}: ${finding.summary}. ${finding.advice}`);
  }

  private isSaveDue(): boolean {
    const { everySteps, everyMinutes } = this.options.config.checkpoint;
    return (everySteps !== null && this.step % everySteps === 0) || (everyMinutes !== null && performance.now() - this.savedAt >= everyMinutes * 60_000);
  }

  /** Saves the steps finished so far, unless they are. Rows are on disk before the checkpoint that they lead to. */
  private async save(): Promise<void> {
    if (this.savedStep !== this.step && this.opened) await this.saveNow(this.opened);
    for (const { resolve } of this.saveRequests?.splice(0) ?? []) resolve(this.step);
  }

  private async saveNow({ engine, images, stepsPerEpoch }: TrainingOpened): Promise<void> {
    const started = performance.now();
    const { thread, config } = this.options;
    const state = { step: this.step, epoch: this.step / stepsPerEpoch, elapsedSeconds: this.elapsedSeconds, images, engine: engineText(engine) };
    const path = await this.onDisk(`checkpoint ${this.step}`, async () => {
      await this.metrics?.flush();
      return this.answered(saveCheckpoint(this.folder.checkpoints, state, config.checkpoint.keep, (folder) => thread.call('save', { folder })));
    });
    this.savedStep = this.folder.status.checkpoint = this.step;
    this.savedAt = performance.now();
    await this.folder.writeStatus();
    this.journal.tell({ kind: 'saved', step: this.step, path, seconds: (performance.now() - started) / 1000 });
  }

  /** After a step that failed before it changed anything: what was computed until then is saved, where that is possible. */
  private async failedStep(error: TrainingError): Promise<Error> {
    const failure = describeFailure(error, this.step, this.options.config, this.opened?.engine.precision ?? null);
    if (error.files) await this.save().catch((second: Error) => this.journal.say('warning', `what was computed before could not be saved: ${second.message}`));
    return failure;
  }

  announceStop(): void {
    this.folder.status.state = 'stopping';
    void this.folder.writeStatus();
  }

  /** Puts the end on record and gives the thread up. */
  async end(state: RunOutcome['state'], error: Error | null): Promise<RunOutcome> {
    const wedged = error instanceof WedgedError;
    const { step, opened } = this;
    const failure = error && runFailure(error, step);
    for (const { reject } of this.saveRequests?.splice(0) ?? []) reject(error ?? new RunError('the run has ended'));
    this.saveRequests = null;
    Object.assign(this.folder.status, { state, error: failure, waiting: null, queue: null, eta: state === 'done' ? 0 : null });
    await this.folder.log(`${state} at step ${step}${error ? `: ${error.stack ?? error.message}` : ''}`);
    await this.metrics?.close().catch(() => undefined);
    if (!wedged) await this.options.thread.close().catch(() => undefined);
    await this.folder.writeStatus();
    this.journal.tell({ kind: 'ended', state, step, steps: opened?.totalSteps ?? null, checkpoint: this.savedStep < 0 ? null : this.savedStep, error: failure });
    return { state, step, elapsedSeconds: this.elapsedSeconds, error, wedged };
  }

  /** Waits while the disk is full, saying so. */
  private onDisk<T>(what: string, action: () => Promise<T>): Promise<T> {
    return patiently(what, action, {
      milliseconds: diskPatienceMilliseconds,
      signal: this.options.stop,
      onWait: (reason) => {
        this.folder.status.waiting = reason;
        void this.folder.writeStatus();
        if (reason) this.journal.say('warning', reason);
        else this.journal.say('note', 'the disk takes data again: training goes on');
      },
    });
  }

  private answered<T>(call: Promise<T>): Promise<T> {
    return Promise.race([call, this.abandoned]);
  }
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** Rejects some time after a stop was asked for; never otherwise. */
function abandonedAfter(stop: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_resolve, reject) => {
    const start = (): void => {
      setTimeout(() => reject(new WedgedError(`the training thread did not answer within ${stopMilliseconds / 1000} s of the stop: no new checkpoint was saved`)), stopMilliseconds).unref();
    };
    if (stop.aborted) start();
    else stop.addEventListener('abort', start, { once: true });
  });
  promise.catch(() => undefined);
  return promise;
}
