/** What belongs to the code or prototype that a column shows more of: chosen from what was sorted, with pictures as soon as they are here. */
import type { Sorted } from '../../backend/protocol.ts';
import type { Answers } from './answers.ts';
import type { Choices } from './choices.ts';
import { membersOf } from './members.ts';
import type { Shown } from './shown.ts';
import { lookOf, sortedBy } from './view.ts';

/** `complain` says what went wrong with loading pictures. */
export function showMembers(one: Shown, choices: Choices, answers: Answers, complain: (error: unknown) => void): void {
  const by = sortedBy(choices.modeNow()), { members } = one.column;
  if (!by || !lookOf(choices.modelOf(one.choice), by)) return members.show(null, null, null, null, null);
  const entry = entryOf(one, by, choices), sorting = answers.sortingOf(one.choice, by);
  const images = sorting && entry !== null && entry < sorting.counts.length ? membersOf(sorting, entry).map(({ image }) => image) : [];
  const pictured = answers.picturesOf(one.choice, images);
  members.grid = choices.modelOf(one.choice)?.grid ?? 1;
  members.show(by, one.extras.assigned, entry, sorting, pictured);
  if (images.length === 0 || pictured) return;
  answers.askPictures(one.choice, images).then((isNew) => {
    if (isNew) showMembers(one, choices, answers, complain);
  }, complain);
}

/** The code of the patch pinned last, or the prototype chosen, at first the nearest of the view. */
function entryOf({ column, extras }: Shown, by: Sorted, { view }: Choices): number | null {
  if (by === 'prototypes') return view.entry ?? extras.assigned?.a.prototypes[0] ?? null;
  const pin = view.pins.at(-1);
  return pin && extras.codes && column.pair ? (extras.codes[pin.side][column.patchOf(pin)] ?? null) : null;
}
