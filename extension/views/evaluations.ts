/** Evaluations of a run's checkpoints: a small file each in its folder `evaluations`, with the report's page beside it, so that the run's story is in its folder. */
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../../backend/formats/atomic.ts';
import { parseJsonText } from '../../backend/link/holder.ts';
import { readSmallFile } from '../../backend/link/smallFile.ts';
import { isFields } from '../../backend/link/status.ts';
import { evaluationProtocols } from '../../backend/protocol/evaluations.ts';
import type { Translate } from '../translate.ts';

interface Rate {
  value: number;
  low: number;
  high: number;
}

export interface EvaluationRecord {
  step: number;
  protocol: string;
  /** Options that were chosen, as on the command line. */
  options: string[];
  /** ISO 8601. */
  finished: string;
  /** Shares of 1 with their 95 % intervals; null where the protocol gives none. */
  top1: Rate | null;
  top5: Rate | null;
  images: number | null;
}

export interface Evaluation extends EvaluationRecord {
  /** The record's own file. */
  path: string;
  /** The report's page; null where there is none. */
  report: string | null;
}

const recordBytes = 2 ** 16, mostRecords = 1000;

const isShare = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;
const rate = (value: unknown): Rate | null => (isFields(value) && isShare(value.value) && isShare(value.low) && isShare(value.high) ? { value: value.value, low: value.low, high: value.high } : null);
const count = (value: unknown): number | null => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null);

function parseRecord(value: unknown): EvaluationRecord | null {
  if (!isFields(value)) return null;
  const step = count(value.step);
  if (step === null || typeof value.protocol !== 'string' || value.protocol.length > 100) return null;
  const options = Array.isArray(value.options) ? value.options.filter((option): option is string => typeof option === 'string').slice(0, 20).map((option) => option.slice(0, 200)) : [];
  return { step, protocol: value.protocol, options, finished: typeof value.finished === 'string' ? value.finished.slice(0, 40) : '', top1: rate(value.top1), top5: rate(value.top5), images: count(value.images) };
}

const folderOf = (runFolder: string): string => join(runFolder, 'evaluations');

/** What a run's evaluations came to, newest first; what is damaged is left out. */
export async function listEvaluations(runFolder: string): Promise<Evaluation[]> {
  const folder = folderOf(runFolder);
  const names = (await readdir(folder).catch((): string[] => [])).filter((name) => /^\d{1,10}-[a-z0-9_-]+\.json$/i.test(name)).slice(0, mostRecords);
  const found = await Promise.all(names.map(async (name): Promise<Evaluation | null> => {
    const path = join(folder, name), report = path.replace(/\.json$/, '.html');
    const record = parseRecord(parseJsonText(await readSmallFile(path, recordBytes)));
    return record && { ...record, path, report: await stat(report).then((info) => (info.isFile() ? report : null), () => null) };
  }));
  return found.filter((evaluation) => evaluation !== null).sort((a, b) => (a.finished < b.finished ? 1 : -1));
}

/** Where an evaluation is kept: one more of the same kind takes its place. */
export async function evaluationPlace(runFolder: string, step: number, protocol: string, options: readonly string[]): Promise<{ record: string; report: string }> {
  const folder = folderOf(runFolder);
  await mkdir(folder, { recursive: true });
  const name = [step, protocol, ...options.map((option) => option.replace(/^--/, '').replace('%', 'percent'))].join('-').replace(/[^a-z0-9_-]+/gi, '_');
  return { record: join(folder, `${name}.json`), report: join(folder, `${name}.html`) };
}

/** Keeps what `siamscope evaluate --json` said of a checkpoint. */
export async function keepEvaluation(path: string, about: { step: number; protocol: string; options: string[] }, said: unknown): Promise<void> {
  const { top1, top5, counts } = isFields(said) ? said : {};
  const record: EvaluationRecord = { ...about, finished: new Date().toISOString(), top1: rate(top1), top5: rate(top5), images: isFields(counts) ? count(counts.test) : null };
  await writeAtomically(path, `${JSON.stringify(record, null, 2)}\n`);
}

export const protocolTitle = (protocol: string): string => (Object.hasOwn(evaluationProtocols, protocol) ? evaluationProtocols[protocol as keyof typeof evaluationProtocols].title : protocol);

const percent = (share: number): string => (100 * share).toFixed(1);

/** `37.6 % (34.7 to 40.6) · 1000 images · --shots 1%`. */
export function evaluationText({ top1, images, options }: EvaluationRecord, t: Translate): string {
  return [top1 ? t('{0} % ({1} to {2})', percent(top1.value), percent(top1.low), percent(top1.high)) : t('see its report'), ...(images === null ? [] : [t('{0} images', images)]), ...(options.length > 0 ? [options.join(' ')] : [])].join(' · ');
}
