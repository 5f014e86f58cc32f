/**
 * One run as a window knows it: its files, the lock that its process holds, and its socket while it lives. Every window follows
 * the same three, so that all of them show the same.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { hostname } from 'node:os';
import { RunError } from '../../backend/errors.ts';
import { liveHolder } from '../../backend/link/holder.ts';
import { isLiving, readStatus, statusFile } from '../../backend/link/status.ts';
import type { RunEvent, RunState, RunStatus } from '../../backend/protocol.ts';
import { connectRun, VersionError, type RunConnection } from './client.ts';
import { memoryKills, reasonOfLoss } from './loss.ts';

/** A run folder's state, as it is shown. */
export interface Run {
  /** Absolute; the run's identity. */
  readonly folder: string;
  /** `lost`: status.json says that it lives, and nothing holds its lock. */
  readonly state: RunState | 'lost';
  /** The newest that is known. */
  readonly status: RunStatus;
  /** Why it failed or was lost, one line, for people. */
  readonly reason: string | null;
  /** This window is connected to its process. */
  readonly attached: boolean;
}

export interface TrackerOptions {
  /** Whether locks of processes that are gone may be removed. */
  maySweep: () => boolean;
  onChange: () => void;
  onEvent: (event: RunEvent) => void;
  /** For the log; nothing is wrong with the run. */
  say: (text: string) => void;
}

/** A process that has begun names its socket within moments. */
const beginningMilliseconds = 100;
const stopMilliseconds = 60_000, stopPollMilliseconds = 100;

export class RunTracker {
  readonly folder: string;
  private readonly options: TrackerOptions;
  private status: RunStatus | null = null;
  private lostBecause: string | null = null;
  private connection: RunConnection | null = null;
  /** A socket that was refused is not tried again. */
  private refusedSocket: string | null = null;
  private killsBefore: number | null = null;
  private fileSeen = '';
  private looking: Promise<void> | null = null;
  private again = false;
  private isDisposed = false;
  /** The run as it was last told; made anew when something changed. */
  private shown: Run | null = null;

  constructor(folder: string, options: TrackerOptions) {
    this.folder = folder;
    this.options = options;
  }

  /** Null before the first look, and where the folder has no status. */
  get run(): Run | null {
    if (!this.status) return null;
    const state = this.lostBecause === null ? this.status.state : 'lost';
    this.shown ??= { folder: this.folder, state, status: this.status, attached: this.connection !== null, reason: this.lostBecause ?? this.status.error?.message.split('\n')[0] ?? null };
    return this.shown;
  }

  get isLiving(): boolean {
    return this.status !== null && this.lostBecause === null && isLiving(this.status.state);
  }

  /** Looks at the folder; whoever asks while that goes on gets a look that began later. */
  refresh(): Promise<void> {
    this.again = true;
    this.looking ??= this.lookUntilQuiet().finally(() => (this.looking = null));
    return this.looking;
  }

  /** Looks again where a process is at work, or status.json has changed. */
  async poll(): Promise<void> {
    if (this.isLiving || (await this.fileMark()) !== this.fileSeen) await this.refresh();
  }

  dispose(): void {
    this.isDisposed = true;
    this.connection?.close();
  }

  /** Asks the process to stop, and waits for its end. Rejects with RunError where nobody can be asked, or it does not end in time. */
  async stop(maySignal: boolean): Promise<void> {
    await this.refresh();
    if (!this.isLiving) return;
    if (this.connection) await this.connection.stop();
    else await this.signal(maySignal);
    for (const deadline = performance.now() + stopMilliseconds; this.isLiving || (await this.isHeld()); ) {
      if (performance.now() > deadline) throw new RunError(`the run in ${this.folder} was asked to stop and has not ended within ${stopMilliseconds / 1000} s`);
      await setTimeout(stopPollMilliseconds);
      await this.refresh();
    }
  }

  /** Whether a process, here or on another machine, has the folder. */
  async isHeld(): Promise<boolean> {
    return (await liveHolder(this.folder, { sweep: this.options.maySweep() })) !== null;
  }

  /** Saves a checkpoint now; resolves with its step. */
  save(): Promise<number> {
    return this.connection ? this.connection.save() : Promise.reject(new RunError(`this window is not connected to the run in ${this.folder}`));
  }

  /** Where there is no socket: the signal that a terminal would send. Only to a process that is surely the run's own. */
  private async signal(maySignal: boolean): Promise<void> {
    const holder = await liveHolder(this.folder, { sweep: false });
    if (!holder) return;
    if (!maySignal || holder.host !== hostname() || holder.start === null || holder.pid !== this.status?.pid || process.platform === 'win32')
      throw new RunError(`nobody can be asked to stop the run in ${this.folder}: its process ${holder.pid}${holder.host === hostname() ? '' : ` on ${holder.host}`} has no socket here`);
    process.kill(holder.pid, 'SIGTERM');
  }

  private async lookUntilQuiet(): Promise<void> {
    while (this.again && !this.isDisposed) {
      this.again = false;
      await this.look();
    }
  }

  private async look(): Promise<void> {
    const mark = await this.fileMark();
    const status = await readStatus(this.folder);
    this.fileSeen = mark;
    if (!status || !isLiving(status.state)) return this.take(status, null);
    const holder = await liveHolder(this.folder, { sweep: this.options.maySweep() });
    if (holder) {
      this.killsBefore = await memoryKills();
      // While connected, what is told is newer than the file.
      if (!this.connection) this.take(status, null);
      if (!this.connection && status.socket !== null && status.socket !== this.refusedSocket) await this.attach(status.socket);
      if (status.socket === null && status.state === 'starting') globalThis.setTimeout(() => void this.refresh(), beginningMilliseconds).unref();
      return;
    }
    // Its process may have written its end after the first look, and given the lock back after that.
    const last = await readStatus(this.folder);
    if (!last || !isLiving(last.state)) return this.take(last, null);
    // A resumed one takes the lock first and writes its status then.
    if (last.pid !== status.pid) this.again = true;
    else this.take(last, this.lostBecause ?? (await reasonOfLoss(this.folder, last, this.killsBefore)));
  }

  private async attach(socket: string): Promise<void> {
    let connection: RunConnection | null = null;
    try {
      connection = await connectRun(socket, this.folder, {
        onEvent: (event) => this.heard(event),
        onStatus: (status) => this.take(status, null),
        onClose: () => {
          if (this.connection !== connection) return;
          this.connection = null;
          this.changed();
          void this.refresh();
        },
      });
    } catch (error) {
      if (error instanceof VersionError || /is not used|of another run/.test((error as Error).message)) this.refusedSocket = socket;
      this.options.say(`${this.folder}: ${(error as Error).message}`);
      return;
    }
    if (this.isDisposed) return connection.close();
    this.connection = connection;
    this.take(connection.status, null);
    this.options.say(`attached to ${this.folder}, process ${connection.status.pid}, step ${connection.status.step}`);
    connection.begin();
  }

  private heard(event: RunEvent): void {
    if (this.isDisposed) return;
    if (event.kind === 'step' && this.status) {
      const { row, steps, eta } = event;
      this.status = { ...this.status, step: row.step, steps, eta, epoch: row.epoch, loss: Number.isFinite(row.loss) ? row.loss : null, imagesPerSecond: row.images_per_second, elapsedSeconds: row.elapsed_seconds };
      this.changed();
    }
    this.options.onEvent(event);
  }

  private take(status: RunStatus | null, lostBecause: string | null): void {
    if (this.isDisposed) return;
    const isSame = lostBecause === this.lostBecause && JSON.stringify(status) === JSON.stringify(this.status);
    this.status = status;
    this.lostBecause = lostBecause;
    // The connection's own state may have changed all the same.
    if (!isSame || this.shown?.attached !== (this.connection !== null)) this.changed();
  }

  private changed(): void {
    this.shown = null;
    this.options.onChange();
  }

  private async fileMark(): Promise<string> {
    const info = await stat(join(this.folder, statusFile)).catch(() => null);
    return info ? `${info.ino} ${info.mtimeMs} ${info.size}` : '';
  }
}
