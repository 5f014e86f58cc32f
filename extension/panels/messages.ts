/** What webviews may say, checked: anything else is refused with a reason, never with a fault. */
import type { CurvesCalls, CurveStretch, XAxis } from '../../backend/protocol.ts';

/** A message that a webview should not have sent. */
export class MessageError extends Error {
  override name = 'MessageError';
}

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
export const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
export const refuse = (what: string): never => {
  throw new MessageError(`the panel's message is not understood: ${what}`);
};

/** What any panel's message is, before its request is looked at; null where there is nothing to answer. */
export function parseEnvelope(message: unknown): { kind: 'ready' } | { kind: 'request'; id: number; call: string; request: unknown } | null {
  if (!isFields(message)) return null;
  if (message.kind === 'ready') return { kind: 'ready' };
  if (message.kind !== 'request' || !isWhole(message.id) || typeof message.call !== 'string') return null;
  return { kind: 'request', id: message.id, call: message.call, request: message.request };
}

const axes: readonly XAxis[] = ['step', 'epoch', 'time', 'images'];
const maxIds = 2000, maxColumns = 20_000, maxPictureBytes = 2 ** 26;

const axisOf = (value: unknown): XAxis => axes.find((axis) => axis === value) ?? refuse('"axis" is none that there is');
const idOf = (value: unknown): number => (isWhole(value) ? value : refuse('an id is no whole number'));
const idsOf = (value: unknown): number[] => (Array.isArray(value) && value.length <= maxIds ? [...new Set(value.map(idOf))] : refuse('ids are no list'));

function rangeOf(value: unknown): CurveStretch['range'] {
  if (value === null) return null;
  if (!isFields(value)) return refuse('"range" is no range');
  const { min, max } = value;
  return typeof min === 'number' && typeof max === 'number' && Number.isFinite(min) && Number.isFinite(max) && min < max && Number.isFinite(3 * (max - min)) ? { min, max } : refuse('"range" is empty');
}

const parsers: { [K in keyof CurvesCalls]: (request: Fields) => CurvesCalls[K]['request'] } = {
  slice: ({ axis, runs, metrics, range, columns, smoothing }) => ({
    axis: axisOf(axis), runs: idsOf(runs), metrics: idsOf(metrics), range: rangeOf(range),
    columns: isWhole(columns) && columns > 0 && columns <= maxColumns ? columns : refuse('"columns" is no width'),
    smoothing: typeof smoothing === 'number' && smoothing >= 0 && smoothing < 1 ? smoothing : refuse('"smoothing" is no weight'),
  }),
  saveTable: ({ axis, runs, metric, range }) => ({ axis: axisOf(axis), runs: idsOf(runs), metric: idOf(metric), range: rangeOf(range) }),
  savePicture: ({ metric, format, bytes }) => ({
    metric: idOf(metric),
    format: format === 'png' || format === 'svg' ? format : refuse('"format" is no format of pictures'),
    bytes: bytes instanceof ArrayBuffer && bytes.byteLength <= maxPictureBytes ? bytes : refuse('"bytes" are no picture'),
  }),
  add: () => ({}),
};

/** A request of the curves panel. Throws MessageError where it is none. */
export function parseCurvesRequest(call: string, request: unknown): { [K in keyof CurvesCalls]: { call: K; request: CurvesCalls[K]['request'] } }[keyof CurvesCalls] {
  if (!Object.hasOwn(parsers, call)) return refuse('there is no such request');
  if (!isFields(request)) return refuse('the request has no fields');
  return { call, request: parsers[call as keyof CurvesCalls](request) } as ReturnType<typeof parseCurvesRequest>;
}
