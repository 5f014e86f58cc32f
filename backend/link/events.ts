/** Events of a run as they come over its socket, judged before anyone relies on them. */
import type { RunEvent } from '../protocol.ts';
import { unpackRow } from './rows.ts';
import { isFields, parseEngine, parseEvaluation, parseFailure, parseFinding, parsePlace, parseState } from './status.ts';

const kinds: { [K in RunEvent['kind']]: (value: Readonly<Record<string, unknown>>) => Extract<RunEvent, { kind: K }> | null } = {
  queued: ({ place }) => wrap(parsePlace(place), (found) => ({ kind: 'queued', place: found })),
  opened: ({ folder, engine, images, classes, parameters, steps, stepsPerEpoch, resumedFrom }) =>
    wrap(parseEngine(engine), (found) => ({ kind: 'opened', folder: text(folder), engine: found, images: number(images), classes: number(classes), parameters: number(parameters), steps: number(steps), stepsPerEpoch: number(stepsPerEpoch), resumedFrom: maybe(resumedFrom) })),
  step: ({ row, steps, eta }) => wrap(unpackRow(row), (found) => ({ kind: 'step', row: found, steps: number(steps), eta: maybe(eta) })),
  evaluating: ({ step }) => ({ kind: 'evaluating', step: number(step) }),
  evaluated: (value) => wrap(parseEvaluation(value), (found) => ({ kind: 'evaluated', ...found, seconds: number(value.seconds) })),
  saved: ({ step, path, seconds }) => ({ kind: 'saved', step: number(step), path: text(path), seconds: number(seconds) }),
  skipped: ({ file, reason }) => ({ kind: 'skipped', file: text(file), reason: text(reason) }),
  health: ({ finding }) => wrap(parseFinding(finding), (found) => ({ kind: 'health', finding: found })),
  note: (value) => ({ kind: 'note', text: text(value.text) }),
  warning: (value) => ({ kind: 'warning', text: text(value.text) }),
  ended: ({ state, step, steps, checkpoint, error }) => wrap(parseState(state), (found) => ({ kind: 'ended', state: found, step: number(step), steps: maybe(steps), checkpoint: maybe(checkpoint), error: parseFailure(error) })),
};

const wrap = <T, R>(value: T | null, make: (value: T) => R): R | null => (value === null ? null : make(value));
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
const maybe = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** The event; null for what is none, or of a later version. */
export function parseEvent(value: unknown): RunEvent | null {
  if (!isFields(value) || typeof value.kind !== 'string' || !Object.hasOwn(kinds, value.kind)) return null;
  return kinds[value.kind as RunEvent['kind']](value);
}
