/** What is said of views in words, alike in captions, the headline, cards and readouts. */
import type { LabHidden, LabShownView } from '../../backend/protocol.ts';

export const percent = (share: number): string => `${share > 0 && share < 0.01 ? '<1' : Math.round(100 * share)} %`;

/** Of patches that the model does not see, by why. */
export const hiddenWords: Readonly<Record<NonNullable<LabHidden>, { past: string; place: string; all: string }>> = {
  mask: { past: 'masked', place: 'under the mask', all: 'Masked' },
  dropped: { past: 'dropped', place: 'dropped', all: 'Dropped, in the same places of a whole batch' },
};

/** Patches of a view that the model does not see. */
export const hiddenCount = ({ mask }: Pick<LabShownView, 'mask'>): number => mask?.reduce((sum, value) => sum + value, 0) ?? 0;

/** A list as it is read: "a, b and c". */
export const listed = (parts: readonly string[], last = 'and'): string => (parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} ${last} ${parts.at(-1)}`);
