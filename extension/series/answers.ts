/** Answers to the curves panel's requests; what needs the editor (dialogs) comes in from outside. */
import type { CurvesCalls } from '../../backend/protocol.ts';
import { parseCurvesRequest } from '../panels/messages.ts';
import type { CurvesHost } from './curvesHost.ts';

export interface Dialogs {
  /** Asks where to, and writes the file; its name, or null where the user thought better of it. */
  save: (name: string, bytes: Uint8Array) => Promise<string | null>;
  /** Asks for more to watch; how many runs that brought. */
  add: () => Promise<number>;
}

/** Throws MessageError where the request is none. */
export async function answerCurves(host: CurvesHost, call: string, request: unknown, { save, add }: Dialogs): Promise<CurvesCalls[keyof CurvesCalls]['reply']> {
  const parsed = parseCurvesRequest(call, request);
  switch (parsed.call) {
    case 'slice':
      return host.slice(parsed.request);
    case 'saveTable': {
      const { runs, metric, axis, range } = parsed.request;
      const encoder = new TextEncoder();
      const pieces: Uint8Array[] = [];
      for (const piece of host.table(runs, metric, axis, range)) pieces.push(encoder.encode(piece));
      return { saved: await save(fileNameOf(host, metric, 'csv'), Buffer.concat(pieces)) };
    }
    case 'savePicture': {
      const { metric, format, bytes } = parsed.request;
      return { saved: await save(fileNameOf(host, metric, format), new Uint8Array(bytes)) };
    }
    case 'add':
      return { added: await add() };
  }
}

/** A name of letters and digits, whatever the metric is called. */
const fileNameOf = (host: CurvesHost, metric: number, extension: string): string => `${(host.metricName(metric) ?? 'curve').replace(/[^\p{L}\p{N}_.-]+/gu, '-').replace(/^[.-]+/, '').slice(0, 80) || 'curve'}.${extension}`;
