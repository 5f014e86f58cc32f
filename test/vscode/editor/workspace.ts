/** A folder of images to open, the run files and runs in it, and the end of everything that still trains there when a test file is done. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, inject } from 'vitest';
import type { MetricsRow, RunStatus } from '../../../backend/protocol.ts';
import { until } from './until.ts';

const photos = join(import.meta.dirname, '../../fixtures/photos');

/** Whether a process lives; what has ended and waits for its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The files of one run. */
export class RunFiles {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** null: not written yet. */
  status(): RunStatus | null {
    const file = join(this.folder, 'status.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunStatus) : null;
  }

  step(): number {
    return this.status()?.step ?? 0;
  }

  /** Every whole row. */
  rows(): MetricsRow[] {
    const file = join(this.folder, 'metrics.jsonl');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as MetricsRow);
  }
}

export class Workspace {
  readonly folder: string;

  constructor() {
    this.folder = join(mkdtempSync(join(tmpdir(), 'siamscope-test-')), 'animals-and-things');
    mkdirSync(this.folder);
    cpSync(photos, join(this.folder, 'photos'), { recursive: true });
  }

  /** Writes NAME.siam.json with the smallest of recipes, and so many steps. A run of that name, of a try before, is gone. */
  writeRunFile(name: string, steps: number, more: Record<string, unknown> = {}): string {
    rmSync(this.run(name).folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    const file = join(this.folder, `${name}.siam.json`);
    writeFileSync(file, `${JSON.stringify({ preset: 'tiny', name, data: { train: 'photos' }, schedule: { steps, warmupSteps: Math.min(4, steps) }, batch: { size: 16 }, ...more }, null, 2)}\n`);
    return file;
  }

  /** Writes a run file and starts it from the command line, as a process of its own; resolves when its first step is taken. */
  start(name: string, steps: number): Promise<RunFiles> {
    this.writeRunFile(name, steps);
    return this.startFile(name);
  }

  /** Starts NAME.siam.json as it was written. */
  async startFile(name: string): Promise<RunFiles> {
    const siamscope = join(inject('extension'), 'dist/siamscope.mjs');
    await promisify(execFile)(process.execPath, [siamscope, 'train', join(this.folder, `${name}.siam.json`), '--detach', '--json']);
    const run = this.run(name);
    await until(`the first step of ${name}`, () => run.step() > 0, 120_000);
    return run;
  }

  run(name: string): RunFiles {
    return new RunFiles(join(this.folder, 'runs', name));
  }

  get runs(): RunFiles[] {
    const folder = join(this.folder, 'runs');
    return existsSync(folder) ? readdirSync(folder).map((name) => this.run(name)) : [];
  }

  /** Ends what still trains here: the next test's run would wait for its device. */
  endRuns(): void {
    for (const run of this.runs) {
      const status = run.status();
      if (status && ['queued', 'starting', 'running', 'stopping'].includes(status.state) && isAlive(status.pid)) process.kill(status.pid, 'SIGKILL');
    }
  }

  remove(): void {
    this.endRuns();
    rmSync(join(this.folder, '..'), { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** To be called at the top level of a test file. */
export function temporaryWorkspace(): Workspace {
  const workspace = new Workspace();
  afterEach(() => workspace.endRuns());
  afterAll(() => workspace.remove());
  return workspace;
}
