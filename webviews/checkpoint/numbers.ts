/** Numbers and sizes as people read them. */

export const whole = (value: number): string => value.toLocaleString('en-US');

export const countOf = (count: number, one: string): string => `${whole(count)} ${one}${count === 1 ? '' : 's'}`;

/** `86.6 M`. */
export function rough(count: number): string {
  if (count < 10_000) return whole(count);
  const [unit, size] = count >= 1e9 ? ['G', 1e9] : count >= 1e6 ? ['M', 1e6] : ['k', 1e3];
  return `${Number((count / size).toPrecision(3))} ${unit}`;
}

/** `1.2 GB`: powers of ten, as file managers have it. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ${units[power]}`;
}

/** Four digits that matter. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2).replace('e+', 'e') : String(Number(value.toPrecision(4)));
  return text.replace('-', '−');
}

export const percent = (share: number): string => (share > 0 && share < 0.001 ? '< 0.1 %' : share < 1 && share > 0.999 ? '> 99.9 %' : `${Number((100 * share).toPrecision(share < 0.1 ? 2 : 3))} %`);

export const duration = (seconds: number): string => (seconds < 0.1 ? `${Math.max(1, Math.round(1000 * seconds))} ms` : seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`);
