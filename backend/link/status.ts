/** status.json and status messages as hostile input: what comes out has every field, of its type and within its bounds. */
import { join } from 'node:path';
import type { EngineSummary, HealthFinding, HealthKind, Measure, QueuePlace, RunEvaluation, RunFailure, RunState, RunStatus } from '../protocol.ts';
import { parseJsonText } from './holder.ts';
import { readSmallFile } from './smallFile.ts';

export const statusFile = 'status.json';
const statusBytes = 2 ** 20;
const textLength = 10_000, listLength = 1000;

const states: { [S in RunState]: true } = { queued: true, starting: true, running: true, stopping: true, done: true, failed: true, stopped: true };
const kinds: { [K in HealthKind]: true } = { 'feature-collapse': true, 'rank-collapse': true, 'code-collapse': true, 'uniform-loss': true, divergence: true, 'vanishing-gradient': true };

export const parseState = (value: unknown): RunState | null => (isKeyOf(states, value) ? value : null);

/** States in which a process works on the run. */
export const isLiving = (state: RunState): boolean => state === 'queued' || state === 'starting' || state === 'running' || state === 'stopping';

type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isKeyOf = <T extends object>(table: T, value: unknown): value is keyof T => typeof value === 'string' && Object.hasOwn(table, value);

const text = (value: unknown, otherwise = ''): string => (typeof value === 'string' ? value.slice(0, textLength) : otherwise);
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? text(value) : null);
const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);
const count = (value: unknown): number | null => (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : null);
const list = <T>(value: unknown, item: (value: unknown) => T | null): T[] => (Array.isArray(value) ? (value.slice(0, listLength) as unknown[]).map(item).filter((found) => found !== null) : []);
const maybe = <T>(value: unknown, parse: (fields: Fields) => T | null): T | null => (isFields(value) ? parse(value) : null);

export const parseEngine = (value: unknown): EngineSummary | null =>
  maybe(value, ({ name, version, device, deviceName, precision }) => ({ name: text(name), version: text(version), device: text(device), deviceName: text(deviceName), precision: text(precision) }));

export const parseFinding = (value: unknown): HealthFinding | null =>
  maybe(value, ({ kind, step, summary, cause, advice }) => (isKeyOf(kinds, kind) ? { kind, step: count(step) ?? 0, summary: text(summary), cause: text(cause), advice: text(advice) } : null));

export const parseFailure = (value: unknown): RunFailure | null =>
  maybe(value, ({ message, step, files }) => ({ message: text(message), step: count(step) ?? 0, ...(files === undefined ? {} : { files: list(files, textOrNull) }) }));

export const parsePlace = (value: unknown): QueuePlace | null =>
  maybe(value, ({ device, ahead, holder }) => maybe(holder, ({ pid, run }) => ({ device: text(device), ahead: count(ahead) ?? 0, holder: { pid: count(pid) ?? 0, run: text(run) } })));

const parseMeasure = (value: unknown): Measure | null =>
  maybe(value, (fields) => {
    const measured = number(fields.value);
    return measured === null ? null : { id: text(fields.id), name: text(fields.name), value: measured, chance: number(fields.chance), unit: fields.unit === 'share' ? 'share' : 'number' };
  });

export const parseEvaluation = (value: unknown): RunEvaluation | null => maybe(value, ({ step, measures }) => ({ step: count(step) ?? 0, measures: list(measures, parseMeasure) }));

/** The status; null where the value is none: it has no known state, or no process. */
export function parseStatus(value: unknown): RunStatus | null {
  if (!isFields(value) || !isKeyOf(states, value.state)) return null;
  const pid = count(value.pid);
  if (pid === null || pid === 0 || pid >= 2 ** 32) return null;
  return {
    state: value.state,
    name: text(value.name),
    pid,
    host: text(value.host),
    started: text(value.started),
    updated: text(value.updated),
    step: count(value.step) ?? 0,
    steps: count(value.steps),
    epoch: number(value.epoch) ?? 0,
    loss: number(value.loss),
    imagesPerSecond: number(value.imagesPerSecond),
    eta: number(value.eta),
    elapsedSeconds: number(value.elapsedSeconds) ?? 0,
    engine: parseEngine(value.engine),
    images: count(value.images),
    skipped: count(value.skipped) ?? 0,
    checkpoint: count(value.checkpoint),
    resumedFrom: count(value.resumedFrom),
    waiting: textOrNull(value.waiting),
    queue: parsePlace(value.queue),
    socket: textOrNull(value.socket),
    evaluating: value.evaluating === true,
    evaluation: parseEvaluation(value.evaluation),
    health: list(value.health, parseFinding),
    error: parseFailure(value.error),
  };
}

/** status.json of a run folder; null where there is none, not yet, or something else in its place. */
export const readStatus = async (folder: string): Promise<RunStatus | null> => parseStatus(parseJsonText(await readSmallFile(join(folder, statusFile), statusBytes)));
