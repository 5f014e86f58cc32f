/** One cell of a study, in a process of its own: trains it, goes on where it was left, and measures it. Ends when whoever started it does. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openEngine } from '../engines/choose.ts';
import { loadCheckpoint, untrained } from '../evaluate/load.ts';
import { loadMaterial, measureModel, openSets, type MeasureSettings } from '../evaluate/measures.ts';
import { writeAtomically } from '../formats/atomic.ts';
import { readStatus } from '../link/status.ts';
import type { HealthFinding } from '../protocol.ts';
import type { RunConfig } from '../train/config.ts';
import { configFile } from '../train/folder.ts';
import { lockRunFolder } from '../train/lock.ts';
import { trainRun } from '../train/loop.ts';
import { TrainingThread } from '../train/trainingThread.ts';
import type { CellJob, CellMessage, CellRequest } from './cellMessages.ts';
import { resultFile, type CellResult } from './state.ts';

const stop = new AbortController();
const say = (message: CellMessage): void => void process.send?.(message);

// A native call cannot be interrupted, and what is unsaved is computed again from the last checkpoint.
const abandoned = (): void => void process.kill(process.pid, 'SIGKILL');
process.on('disconnect', abandoned);
// A terminal tells the whole group of an interruption; the study tells its cells itself.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

process.on('message', (message: CellRequest) => {
  if (message.kind === 'stop') return stop.abort();
  void work(message.job).then(
    (ended) => say(ended),
    (error: Error) => say({ kind: 'failed', message: error.message }),
  ).finally(() => {
    process.removeListener('disconnect', abandoned);
    process.disconnect();
  });
});

interface Outcome {
  steps: number;
  seconds: number;
  loss: number | null;
}

const described = ({ step, summary }: HealthFinding): string => `step ${step}: ${summary}`;

/** Trains to the end; null where it was stopped. */
async function train({ config, folder, now }: CellJob, health: string[]): Promise<Outcome | null> {
  const thread = new TrainingThread();
  // Sessions before this one are told of by the folder alone.
  const before = await readStatus(folder);
  let loss = before?.loss ?? null;
  health.push(...(before?.health ?? []).map(described));
  try {
    const { state, step, error, elapsedSeconds } = await trainRun({
      config, folder, resume: true, thread, stop: stop.signal, now,
      onEvent: (event) => {
        if (event.kind === 'step') {
          loss = Number.isFinite(event.row.loss) ? event.row.loss : null;
          say({ kind: 'step', step: event.row.step, steps: event.steps, loss: event.row.loss, eta: event.eta });
        } else if (event.kind === 'health') health.push(described(event.finding));
        else if (event.kind === 'queued') say({ kind: 'note', text: `waits for ${event.place.device}, which process ${event.place.holder.pid} has` });
      },
    });
    if (state === 'failed') throw error!;
    return state === 'done' ? { steps: step, seconds: elapsedSeconds, loss } : null;
  } finally {
    await thread.close();
  }
}

async function work(job: CellJob): Promise<CellMessage> {
  const { config, folder, trained } = job;
  const health: string[] = [];
  let outcome: Outcome | null = { steps: 0, seconds: 0, loss: null };
  if (trained) outcome = await train(job, health);
  else await prepareUntrained(folder, config);
  if (!outcome || stop.signal.aborted) return { kind: 'stopped' };
  say({ kind: 'measuring' });
  // Nobody removes the run or trains it on meanwhile, and who looks at the folder sees that it is worked on.
  const lock = await lockRunFolder(folder);
  try {
    const result = await measure(job, outcome, health);
    await writeAtomically(join(folder, resultFile), `${JSON.stringify(result, null, 2)}\n`);
    return { kind: 'done', result };
  } finally {
    await lock.release();
  }
}

async function measure({ config, folder, trained, ...asked }: CellJob, outcome: Outcome, health: string[]): Promise<CellResult> {
  const began = performance.now();
  const settings: MeasureSettings = { ...asked, images: Infinity, branch: 'online' };
  const { threads, ...request } = config.engine;
  const engine = await openEngine({ ...request, ...(threads === null ? {} : { threads }) });
  const model = trained ? await loadCheckpoint(folder, config) : untrained(config.model, config.method, config.seed);
  const material = await loadMaterial(await openSets(config.data, asked.measures), config.model, settings);
  const measures = await measureModel(model, material, settings);
  return {
    finished: new Date().toISOString(), steps: outcome.steps, trainSeconds: outcome.seconds, measureSeconds: (performance.now() - began) / 1000, loss: outcome.loss,
    engine: `${engine.name} ${engine.version}, ${engine.device}, ${engine.precision}`, health, measures,
  };
}

async function prepareUntrained(folder: string, config: RunConfig): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeAtomically(join(folder, configFile), `${JSON.stringify(config, null, 2)}\n`);
}
