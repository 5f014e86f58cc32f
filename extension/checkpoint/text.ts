/** Names and values out of files, as they may be shown: nothing in them moves, hides or imitates anything, and none is longer than a few lines. */

const most = 240;

/** What a screen would obey or swallow, as its code: control and format characters (bidi among them), line ends, halves of pairs, private ones. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/** The text with unseen characters as their codes, and its middle left out where it is long. */
export function shownText(text: string, length = most): string {
  const count = text.length;
  const cut = count > length ? `${text.slice(0, Math.ceil(length * 0.6))} … ${text.slice(count - Math.floor(length * 0.3))} (${count.toLocaleString('en-US')} characters)` : text;
  return cut.replace(unseen, (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`);
}

export const countText = (count: number): string => count.toLocaleString('en-US');

export const countOf = (count: number, one: string, many = `${one}s`): string => `${countText(count)} ${count === 1 ? one : many}`;

/** `86.6 M`. */
export function roundCount(count: number): string {
  if (count < 10_000) return countText(count);
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

export const shapeText = (shape: readonly number[]): string => (shape.length === 0 ? 'scalar' : shape.length > 8 ? `${shape.slice(0, 8).join(' × ')} × … (${shape.length} dimensions)` : shape.join(' × '));

/** Four digits that matter. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2).replace('e+', 'e') : String(Number(value.toPrecision(4)));
}

const mostEntries = 400, mostDepth = 8;

/** A JSON value as lines of key and text: nested ones with the parts of their key joined by dots. */
export function entriesOf(value: Readonly<Record<string, unknown>>): { key: string; value: string }[] {
  const found: { key: string; value: string }[] = [];
  const add = (key: string, inner: unknown, depth: number): void => {
    if (found.length >= mostEntries) return;
    const isObject = typeof inner === 'object' && inner !== null;
    const nested = isObject ? Object.entries(inner) : [];
    const plainList = Array.isArray(inner) && inner.every((item) => typeof item !== 'object' || item === null);
    if (nested.length > 0 && !plainList && depth < mostDepth) for (const [name, item] of nested) add(key === '' ? name : `${key}.${name}`, item, depth + 1);
    else found.push({ key: shownText(key, 120), value: shownText(typeof inner === 'string' ? inner : (JSON.stringify(inner) ?? ''), 600) });
  };
  for (const [key, inner] of Object.entries(value)) add(key, inner, 0);
  if (found.length >= mostEntries) found.push({ key: '…', value: `only the first ${mostEntries} are shown` });
  return found;
}
