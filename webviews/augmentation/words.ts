/** What is said of views in words, alike in captions, the headline, cards and readouts. */
import type { LabCell, LabHidden, LabShownView } from '../../backend/protocol.ts';

export const percent = (share: number): string => `${share > 0 && share < 0.01 ? '<1' : Math.round(100 * share)} %`;

/** Of patches that the model does not see, by why. */
export const hiddenWords: Readonly<Record<NonNullable<LabHidden>, { past: string; place: string; all: string }>> = {
  mask: { past: 'masked', place: 'under the mask', all: 'Masked' },
  dropped: { past: 'dropped', place: 'dropped', all: 'Dropped, in the same places of a whole batch' },
};

/** What the squares are that a view is divided into. */
export const cellWords: Readonly<Record<LabCell, { one: string; many: string; grid: string; gridTitle: string; about: (side: number) => string }>> = {
  patch: { one: 'patch', many: 'patches', grid: 'Patch grid', gridTitle: 'Where one patch ends and the next begins', about: (side) => `patches of ${side}` },
  feature: { one: 'cell', many: 'cells', grid: 'Feature grid', gridTitle: 'A cell for each feature of the ResNet\'s last stage, which sees beyond it', about: (side) => `a feature every ${side} pixels` },
  code: { one: 'cell', many: 'cells', grid: 'Code grid', gridTitle: 'A cell for each code of the tokenizer, which sees beyond it', about: (side) => `a code every ${side} pixels` },
};

export type CellWords = typeof cellWords[LabCell];

/** Patches of a view that the model does not see. */
export const hiddenCount = ({ mask }: Pick<LabShownView, 'mask'>): number => mask?.reduce((sum, value) => sum + value, 0) ?? 0;

/** A list as it is read: "a, b and c". */
export const listed = (parts: readonly string[], last = 'and'): string => (parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} ${last} ${parts.at(-1)}`);
