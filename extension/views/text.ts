/** Numbers as people read them in one line: durations, losses, rates, sizes. */
import type { Translate } from '../translate.ts';

/** `45 s`, `12 min`, `1 h 20 min`, `3 d 4 h`: two units at most. */
export function durationText(seconds: number, t: Translate): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t('{0} s', whole);
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return t('{0} min', minutes);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < 24) return rest > 0 ? t('{0} h {1} min', hours, rest) : t('{0} h', hours);
  const [days, left] = [Math.floor(Math.round(minutes / 60) / 24), Math.round(minutes / 60) % 24];
  return left > 0 ? t('{0} d {1} h', days, left) : t('{0} d', days);
}

/** Four digits that matter; what is not finite as its name. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

export const countText = (value: number): string => Math.round(value).toLocaleString('en').replaceAll(',', '\u202f');

export const rateText = (imagesPerSecond: number, t: Translate): string => t('{0} images/s', imagesPerSecond >= 100 ? Math.round(imagesPerSecond) : Number(imagesPerSecond.toPrecision(2)));

/** `1.2 GB`: powers of ten, as file managers have it. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ${units[power]}`;
}

/** Text of others inside Markdown: shown as it is, whatever it holds. */
export const escapeMarkdown = (text: string): string => text.replace(/[\\`*_{}[\]()#+\-.!|<>~$&:/@]/g, (character) => `&#${character.charCodeAt(0)};`).replace(/\s*\n\s*/g, ' ');
