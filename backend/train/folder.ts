/** The run folder, which alone tells a run's whole story: config.json, status.json, log.txt, metrics, checkpoints, and its lock. */
import { mkdir, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { AppendFile } from '../formats/appendFile.ts';
import { sweepTemporaryFiles, writeAtomically } from '../formats/atomic.ts';
import { readStatus, statusFile } from '../link/status.ts';
import type { RunStatus } from '../protocol.ts';
import { checkpointFolder, sweepCheckpoints } from './checkpoint.ts';
import type { RunConfig } from './config.ts';
import { systemReason } from './failures.ts';
import { lockRunFolder, type RunLock } from './lock.ts';
import { metricsFile } from './metrics.ts';
import { readRunFile } from './readRunFile.ts';
import { completeRun } from './runFile.ts';

export const configFile = 'config.json';

/** A resumed run must be the same problem; everything else may change. */
const fixedKeys = ['model', 'method', 'seed', 'batch', 'data.repeats', 'initial'] as const;

const printed = (value: unknown): string => JSON.stringify(value);

/** Paths of the leaves in which two configurations differ, with both values. */
export function differences(before: unknown, after: unknown, path = ''): string[] {
  const objects = [before, after].every((v) => typeof v === 'object' && v !== null && !Array.isArray(v));
  if (!objects) return printed(before) === printed(after) ? [] : [`${path}: ${printed(before) ?? 'nothing'} -> ${printed(after) ?? 'nothing'}`];
  const [a, b] = [before as Record<string, unknown>, after as Record<string, unknown>];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => differences(a[key], b[key], path === '' ? key : `${path}.${key}`));
}

export class RunFolder {
  readonly path: string;
  readonly checkpoints: string;
  status: RunStatus;
  /** Told of each status that has been written. */
  onStatus: (status: RunStatus) => void = () => undefined;
  private readonly lock: RunLock;
  private readonly logFile: AppendFile;
  /** A status being written, and whether a newer one waits. */
  private writing: Promise<void> | null = null;
  private stale = false;

  private constructor(path: string, lock: RunLock, logFile: AppendFile, name: string, before: RunStatus | null) {
    this.path = path;
    this.checkpoints = join(path, checkpointFolder);
    this.lock = lock;
    this.logFile = logFile;
    const now = new Date().toISOString();
    this.status = {
      state: 'starting', name, pid: process.pid, host: hostname(), started: now, updated: now, step: 0, steps: null, epoch: 0, loss: null, imagesPerSecond: null,
      eta: null, elapsedSeconds: 0, engine: null, images: null, skipped: 0, checkpoint: null, resumedFrom: null, waiting: null, queue: null, socket: null, evaluating: false, evaluation: null, health: [], error: null,
    };
    // Where the run stands, until this session has opened it: it may wait for its device for hours.
    if (before) this.status = { ...this.status, step: before.step, steps: before.steps, epoch: before.epoch, loss: before.loss, elapsedSeconds: before.elapsedSeconds, images: before.images, checkpoint: before.checkpoint, evaluation: before.evaluation };
  }

  /**
   * Takes the folder for this process and puts the configuration into it. Throws InputError where a run is there already and
   * `resume` was not asked for, or the configuration is of another problem, and RunError where another process trains there.
   */
  static async open(path: string, config: RunConfig, resume: boolean): Promise<RunFolder> {
    const lock = await takeFolder(path);
    try {
      const names = await readdir(path);
      const begun = names.includes(metricsFile) || names.includes(checkpointFolder);
      if (begun && !resume) throw new InputError(`${path} has a run already: continue it with --resume, or give another "name" or --run FOLDER`);
      await sweepTemporaryFiles(path);
      const swept = await sweepCheckpoints(join(path, checkpointFolder));
      const changes = begun && names.includes(configFile) ? differences(await readConfig(path), config) : [];
      const forbidden = changes.filter((change) => fixedKeys.some((key) => change.startsWith(key)));
      if (forbidden.length > 0) throw new InputError(`${path} cannot be resumed with another configuration; it differs in\n  ${forbidden.join('\n  ')}\nUse the same values, or begin a new run with another "name"`);
      await writeAtomically(join(path, configFile), `${JSON.stringify(config, null, 2)}\n`);
      const folder = new RunFolder(path, lock, await AppendFile.open(join(path, 'log.txt')), config.name, begun ? await readStatus(path) : null);
      await folder.log(`process ${process.pid} on ${hostname()} ${begun ? 'resumes' : 'starts'} the run`);
      for (const change of changes) await folder.log(`changed since the last session: ${change}`);
      for (const name of swept) await folder.log(`removed ${name}, an interrupted save`);
      await folder.writeStatus();
      return folder;
    } catch (error) {
      await lock.release();
      throw refused(path, error);
    }
  }

  /** Appends a line to log.txt. What the disk does not take is lost: a log is no reason to stop. */
  async log(text: string): Promise<void> {
    await this.logFile.append(Buffer.from(`${new Date().toISOString()} ${text}\n`)).catch(() => undefined);
  }

  /** Writes status.json, whole; at most one write at a time, and the last state always. A full disk does not stop it for good. */
  async writeStatus(): Promise<void> {
    this.stale = true;
    this.writing ??= this.writeLatest().finally(() => (this.writing = null));
    await this.writing;
  }

  private async writeLatest(): Promise<void> {
    while (this.stale) {
      this.stale = false;
      this.status.updated = new Date().toISOString();
      await writeAtomically(join(this.path, statusFile), `${JSON.stringify(this.status, null, 2)}\n`).catch(() => undefined);
      this.onStatus(this.status);
    }
  }

  async close(): Promise<void> {
    await this.writeStatus();
    await this.logFile.close().catch(() => undefined);
    await this.lock.release();
  }
}

/** What the system refuses while a folder is prepared: nothing has been lost, another folder may do. */
function refused(path: string, error: unknown): unknown {
  const reason = systemReason(error);
  return reason === null ? error : new InputError(`the run folder ${path} cannot be written: ${reason}. Give another one with --run FOLDER`, { cause: error });
}

async function takeFolder(path: string): Promise<RunLock> {
  try {
    await mkdir(path, { recursive: true });
    return await lockRunFolder(path);
  } catch (error) {
    throw refused(path, error);
  }
}

/** The configuration of a run folder. Throws InputError where there is none. */
export async function readConfig(folder: string): Promise<RunConfig> {
  const { value, place } = await readRunFile(join(folder, configFile));
  return completeRun(value, { folder, place });
}

/** Whether the path is the folder of a run. */
export async function isRunFolder(path: string): Promise<boolean> {
  const names = await readdir(path).catch((): string[] => []);
  return names.includes(configFile);
}
