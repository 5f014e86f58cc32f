/** Errors under corruption as a table for the terminal, no wider than 80 columns. */
import type { CorruptionRow, Robustness } from '../evaluate/protocols/corruptionError.ts';
import { table } from './terminal.ts';

const percent = (value: number): string => (100 * value).toFixed(1);

export function robustnessText({ cleanError, corruptions, meanError, mce, mceWithoutFrost, robustness, notes }: Robustness, { head }: Record<string, unknown>): string {
  const levels = corruptions[0]?.levels.map(({ level }) => String(level)) ?? [];
  const isCompared = corruptions.some(({ corruptionError }) => corruptionError !== null);
  const row = ({ corruption, levels: each, meanError: error, corruptionError }: CorruptionRow): string[] => [corruption, ...each.map(({ error: { value } }) => percent(value)), percent(error), ...(isCompared ? [corruptionError === null ? '' : percent(corruptionError)] : [])];
  const rows = table([['error in %, level', ...levels, 'mean', ...(isCompared ? ['CE'] : [])], ...corruptions.map(row)]);
  const summary = [
    `Mean error under corruption ${percent(meanError)} %, without ${percent(cleanError.value)} %.`,
    ...(mce === null ? [] : [`mCE ${mce.toFixed(1)} (AlexNet is 100), without frost ${mceWithoutFrost!.toFixed(1)}; robustness 100 - mCE = ${robustness!.toFixed(1)}.`]),
    ...notes.map((note) => `Note: ${note}.`), `By ${String(head)}.`,
  ];
  return `${rows}${summary.map(wrapped).join('')}`;
}

/** Lines of at most 80 columns. */
const wrapped = (text: string): string => `${text.replace(/(.{1,80})(?: |$)/g, '$1\n')}`;
