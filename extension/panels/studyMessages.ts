/** What the page of a study's table may say, checked. */
import type { StudyCalls } from '../../backend/protocol.ts';
import { isFields, isWhole, refuse, type Fields } from './messages.ts';

const placeOf = (value: unknown, what: string): number => (isWhole(value) ? value : refuse(`"${what}" is no whole number`));
const runOf = ({ row, cell }: Fields): { row: number; cell: number } => ({ row: placeOf(row, 'row'), cell: placeOf(cell, 'cell') });
const nothing = (): Record<never, never> => ({});

const parsers: { [K in keyof StudyCalls]: (request: Fields) => StudyCalls[K]['request'] } = {
  curves: ({ row, cell }) => ({ row: placeOf(row, 'row'), cell: cell === null ? null : placeOf(cell, 'cell') }),
  correspond: runOf,
  reveal: runOf,
  copy: ({ format }) => ({ format: format === 'markdown' || format === 'csv' ? format : refuse('"format" is no format of tables') }),
  run: nothing, stop: nothing, file: nothing, log: nothing, trust: nothing,
};

/** A request of the study's page. Throws MessageError where it is none. */
export function parseStudyRequest(call: string, request: unknown): { [K in keyof StudyCalls]: { call: K; request: StudyCalls[K]['request'] } }[keyof StudyCalls] {
  if (!Object.hasOwn(parsers, call)) return refuse('there is no such request');
  if (!isFields(request)) return refuse('the request has no fields');
  return { call, request: parsers[call as keyof StudyCalls](request) } as ReturnType<typeof parseStudyRequest>;
}
