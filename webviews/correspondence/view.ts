/** What the user chose to see, kept across reloads in the webview's own state. */
import type { Look, LookedModel, Sorted } from '../../backend/protocol.ts';

export const modes = ['similarity', 'matches', 'colours', 'attention', 'codes', 'prototypes', 'reconstruction'] as const;
export type Mode = (typeof modes)[number];
/** What a model must offer for a mode. */
export const lookOfMode: Readonly<Record<Mode, Look['kind']>> = { similarity: 'features', matches: 'features', colours: 'features', attention: 'attention', codes: 'codes', prototypes: 'prototypes', reconstruction: 'reconstruction' };
/** By what many images are sorted in a mode; null: pairs of views are measured. */
export const sortedBy = (mode: Mode): Sorted | null => (mode === 'codes' || mode === 'prototypes' ? mode : null);
/** The look of a kind that a model has. */
export const lookOf = <K extends Look['kind']>(model: LookedModel | null, kind: K): Extract<Look, { kind: K }> | null => (model?.looks.find((look) => look.kind === kind) as Extract<Look, { kind: K }> | undefined) ?? null;

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
  /** Views of training by name; null: two crops drawn alike for every method. */
  views: { a: string; b: string } | null;
  /** What training hides is shown, and kept from the prediction. */
  masked: boolean;
  mode: Mode;
  /** Cosine below which mutual matches are left out. */
  threshold: number;
  /** Attention's block, from 0; null: the last. */
  block: number | null;
  /** Attention's head; null: the mean of all. */
  head: number | null;
  /** Attention is that of the class token, not of the patch that is pointed at. */
  ofClass: boolean;
  /** Attention is drawn of the patches alone that together have this share of it; null: of all. */
  mass: number | null;
  /** The code or prototype that was chosen; null: the one of the patch pinned last, or the most probable. */
  entry: number | null;
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
  const { panel, columns, index, other, seed, branch, layer, views, masked, mode, threshold, block, head, ofClass, mass, entry, pairs, pins } = record(saved), { a, b } = record(views);
  const isName = (value: unknown): value is string => typeof value === 'string' && value.length <= 64;
  return {
    panel: typeof panel === 'string' ? panel : '',
    columns: (Array.isArray(columns) ? columns : []).slice(0, mostColumns).map(record).map((column) => ({ subject: whole(column.subject, 0), step: wholeOrNull(column.step), untrained: column.untrained === true })),
    index: whole(index, 0), other: wholeOrNull(other), seed: Math.min(2 ** 32 - 1, whole(seed, 0)),
    branch: branch === 'target' ? 'target' : 'online', layer: typeof layer === 'string' && layer.length <= 20 ? layer : 'encoder',
    views: isName(a) && isName(b) ? { a, b } : null, masked: masked !== false,
    mode: modes.find((name) => name === mode) ?? 'similarity', threshold: typeof threshold === 'number' && threshold >= -1 && threshold <= 1 ? threshold : -1,
    block: wholeOrNull(block), head: wholeOrNull(head), ofClass: ofClass === true, mass: typeof mass === 'number' && mass > 0 && mass <= 1 ? mass : null, entry: wholeOrNull(entry), pairs: Math.min(4096, Math.max(1, whole(pairs, 64))),
    pins: (Array.isArray(pins) ? pins : []).slice(0, mostPins).map(pinOf).filter((pin) => pin !== null),
  };
}
