/** What the inspector's page may ask, checked. */
import type { CheckpointAction, CheckpointCalls } from '../../backend/protocol.ts';
import { isFields, isWhole, refuse, type Fields } from '../panels/messages.ts';

const mostQuery = 1000, mostOpen = 10_000, mostRows = 500, mostKey = 400;
const actions: readonly CheckpointAction[] = ['correspond', 'evaluate', 'export', 'resume'];

const tensorOf = (value: unknown): number => (isWhole(value) ? value : refuse('"tensor" is no whole number'));
const isText = (value: unknown, most: number): value is string => typeof value === 'string' && value.length <= most;

const parsers: { [K in keyof CheckpointCalls]: (request: Fields) => CheckpointCalls[K]['request'] } = {
  rows: ({ query, open, from, count }) => ({
    query: isText(query, mostQuery) ? query : refuse('"query" is no text'),
    open: Array.isArray(open) && open.length <= mostOpen && open.every((key) => isText(key, mostKey)) ? open : refuse('"open" is no list of keys'),
    from: isWhole(from) ? from : refuse('"from" is no place'),
    count: isWhole(count) && count <= mostRows ? count : refuse('"count" is no number of rows'),
  }),
  detail: ({ tensor }) => ({ tensor: tensorOf(tensor) }),
  check: () => ({}),
  stop: ({ lane }) => ({ lane: lane === 'whole' || lane === 'tensor' ? lane : refuse('"lane" is none that there is') }),
  filters: ({ tensor }) => ({ tensor: tensorOf(tensor) }),
  positions: ({ tensor, chosen, overview }) => ({ tensor: tensorOf(tensor), chosen: isWhole(chosen) ? chosen : refuse('"chosen" is no position'), overview: overview === true }),
  relative: ({ tensor }) => ({ tensor: tensorOf(tensor) }),
  compare: ({ sibling }) => ({ sibling: sibling === null || isWhole(sibling) ? sibling : refuse('"sibling" is no checkpoint') }),
  act: ({ action }) => ({ action: actions.find((known) => known === action) ?? refuse('"action" is none that there is') }),
  asText: () => ({}),
  again: () => ({}),
  trust: () => ({}),
  saveTable: () => ({}),
};

/** A request of the inspector's page. Throws MessageError where it is none. */
export function parseCheckpointRequest(call: string, request: unknown): { [K in keyof CheckpointCalls]: { call: K; request: CheckpointCalls[K]['request'] } }[keyof CheckpointCalls] {
  if (!Object.hasOwn(parsers, call)) return refuse('there is no such request');
  if (!isFields(request)) return refuse('the request has no fields');
  return { call, request: parsers[call as keyof CheckpointCalls](request) } as ReturnType<typeof parseCheckpointRequest>;
}
