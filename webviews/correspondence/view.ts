/** What the user chose to see, kept across reloads in the webview's own state. */

export const modes = ['similarity', 'matches', 'colours', 'attention', 'reconstruction'] as const;
export type Mode = (typeof modes)[number];

export interface ColumnChoice {
  subject: number;
  /** null: the newest, also when a newer one comes. */
  step: number | null;
  untrained: boolean;
}

/** A place of a picture that is pointed at or pinned, in shares: it is the same place whatever a model's patches are. */
export interface Pointed {
  side: 'a' | 'b';
  share: { y: number; x: number };
}

export interface LookView {
  panel: string;
  columns: ColumnChoice[];
  /** Image of view a. */
  index: number;
  /** Another image for b; null: another view of the same. */
  other: number | null;
  seed: number;
  branch: 'online' | 'target';
  layer: string;
  mode: Mode;
  /** Cosine below which mutual matches are left out. */
  threshold: number;
  /** Attention's block, from 0; null: the last. */
  block: number | null;
  /** Attention's head; null: the mean of all. */
  head: number | null;
  /** Attention is that of the class token, not of the patch that is pointed at. */
  ofClass: boolean;
  /** Pairs that rates are measured over. */
  pairs: number;
  pins: Pointed[];
}

export const mostColumns = 4, mostPins = 9;

const whole = (value: unknown, otherwise: number): number => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : otherwise);
const wholeOrNull = (value: unknown): number | null => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null);
const record = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {});

function pinOf(value: unknown): Pointed | null {
  const { side, share } = record(value), { y, x } = record(share);
  const isShare = (v: unknown): v is number => typeof v === 'number' && v >= 0 && v < 1;
  return (side === 'a' || side === 'b') && isShare(y) && isShare(x) ? { side, share: { y, x } } : null;
}

/** The state that the editor kept, whatever its shape. */
export function restoreView(saved: unknown): LookView {
  const { panel, columns, index, other, seed, branch, layer, mode, threshold, block, head, ofClass, pairs, pins } = record(saved);
  return {
    panel: typeof panel === 'string' ? panel : '',
    columns: (Array.isArray(columns) ? columns : []).slice(0, mostColumns).map(record).map((column) => ({ subject: whole(column.subject, 0), step: wholeOrNull(column.step), untrained: column.untrained === true })),
    index: whole(index, 0), other: wholeOrNull(other), seed: Math.min(2 ** 32 - 1, whole(seed, 0)),
    branch: branch === 'target' ? 'target' : 'online', layer: typeof layer === 'string' && layer.length <= 20 ? layer : 'encoder',
    mode: modes.find((name) => name === mode) ?? 'similarity', threshold: typeof threshold === 'number' && threshold >= -1 && threshold <= 1 ? threshold : -1,
    block: wholeOrNull(block), head: wholeOrNull(head), ofClass: ofClass === true, pairs: Math.min(4096, Math.max(1, whole(pairs, 64))),
    pins: (Array.isArray(pins) ? pins : []).slice(0, mostPins).map(pinOf).filter((pin) => pin !== null),
  };
}
