/** What a run folder says besides its metrics: images of a step, and the steps at which it was resumed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSource, readAt } from '../../backend/formats/positioned.ts';
import { eventFiles } from '../../backend/formats/tfevents.ts';
import { decodeEvent, unframe } from '../../backend/formats/tfeventsRecords.ts';

const maxConfigBytes = 2 ** 20;
/** The session's start is among a file's first records. */
const headBytes = 4096;

/** Images of one optimizer step, from config.json; null where the folder does not say. */
export async function imagesPerStep(folder: string): Promise<number | null> {
  try {
    const text = await readFile(join(folder, 'config.json'), 'utf8');
    if (text.length > maxConfigBytes) return null;
    const { batch } = JSON.parse(text) as { batch?: { size?: unknown; accumulate?: unknown } };
    const images = Number(batch?.size) * Number(batch?.accumulate ?? 1);
    return Number.isSafeInteger(images) && images > 0 ? images : null;
  } catch {
    return null;
  }
}

/** Steps that later sessions of the run began at, from the head of each event file. */
export async function resumedSteps(folder: string): Promise<number[]> {
  const steps: number[] = [];
  for (const name of await eventFiles(folder).catch((): string[] => [])) {
    try {
      const source = await openSource(join(folder, name));
      try {
        const bytes = Buffer.from(await readAt(source, 0, Math.min(headBytes, source.size)));
        for (let at = 0; at < bytes.length; ) {
          const record = unframe(bytes.subarray(at));
          if (record === 'lost' || 'more' in record || !record.data) break;
          at += record.bytes;
          const { sessionStart, step } = decodeEvent(record.data);
          if (sessionStart && step > 1) steps.push(step - 1);
        }
      } finally {
        await source.handle.close();
      }
    } catch {
      // A file that cannot be read says nothing about resumes.
    }
  }
  return steps;
}
