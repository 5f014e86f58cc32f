/** What a failed step says to a person: what happened, on which images, and what to do. */
import { InputError, RunError } from '../errors.ts';
import type { RunFailure } from '../protocol.ts';
import type { RunConfig } from './config.ts';
import type { TrainingError } from './trainingThread.ts';

const outOfMemory = /out of memory|can't allocate memory|not enough memory|bad_alloc|allocation failed|exceeds the (maximum|limit)/i;
const namedFiles = 3;

function memoryAdvice({ batch, model }: RunConfig, precision: string | null): string {
  const advice = [];
  if (batch.size > 1) advice.push(`halve batch.size to ${batch.size >> 1} and double batch.accumulate to ${batch.accumulate * 2}`);
  if (precision === 'fp32') advice.push('set engine.precision=bf16');
  advice.push(`use a smaller model than ${model.arch} at ${model.imageSize} pixels`);
  return advice.join(', or ');
}

const fileList = (files: readonly string[]): string => `${files.slice(0, namedFiles).join(', ')}${files.length > namedFiles ? ` and ${files.length - namedFiles} more (all in status.json)` : ''}`;

/** The failure of the step after `step`, or of opening the run where there were none, as an error for the command line. `precision` is the engine's, once it is known. */
export function describeFailure(error: TrainingError, step: number, config: RunConfig, precision: string | null): Error {
  const where = error.files ? `step ${step + 1}: ` : '';
  if (outOfMemory.test(error.message)) {
    const what = /^out of memory[^:]*/.exec(error.message)?.[0] ?? `out of memory (${error.message.split('\n')[0]})`;
    return new RunError(`${where}${what}: ${memoryAdvice(config, precision)}`, { cause: error });
  }
  if (!error.files || error instanceof InputError) return error;
  if (!(error instanceof RunError)) return new Error(`${where}${error.message}`, { cause: error });
  return new RunError(`${where}${error.message}. Images of the batch: ${fileList(error.files)}`, { cause: error });
}

const reasons: Readonly<Record<string, string>> = { EACCES: 'you may not write there', EPERM: 'you may not write there', EROFS: 'its disk is read-only', ENOSPC: 'the disk is full', EDQUOT: 'your disk quota is used up', EEXIST: 'a file is in its place', ENOTDIR: 'a file is in its place', EIO: 'its disk fails', EMFILE: 'too many files are open', ENOENT: 'it has been removed' };

/** What the system did not allow, in words; null for errors of another kind. */
export function systemReason(error: unknown): string | null {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code !== undefined && syscall !== undefined ? (reasons[code] ?? code) : null;
}

/** An error of the system, met while a run was written, as one that says what to do; others as they are. */
export function describeWriteFailure(error: Error, folder: string): Error {
  const reason = systemReason(error);
  return reason === null ? error : new RunError(`${(error as NodeJS.ErrnoException).path ?? folder} cannot be written: ${reason}. Earlier checkpoints are whole: continue with --resume when that is mended`, { cause: error });
}

export const runFailure = (error: Error, step: number): RunFailure => {
  const { files } = (error.cause ?? error) as TrainingError;
  return { message: error.message, step, ...(files ? { files } : {}) };
};
