/** A column as it is on the page, with what was found for it, and what it says of how well its model does. */
import { codesAnswer } from './codes.ts';
import type { Answers } from './answers.ts';
import type { Choices } from './choices.ts';
import type { Column, Extras } from './column.ts';
import { assignedAnswer } from './members.ts';
import { paintedAnswer } from './painted.ts';
import { pairsText, scoreOf, verdict, type Score } from './scores.ts';
import type { ColumnChoice, Mode, Pointed } from './view.ts';
import { errorText, placeText } from './words.ts';

export interface Shown {
  choice: ColumnChoice;
  column: Column;
  asking: boolean;
  /** What the column's pair is of. */
  key: string;
  extras: Extras;
  extrasKey: string;
}

const thisPair = 'this pair';

/** What is known of a column, the pair that is shown first. */
export function scoresOf({ choice, column }: Shown, choices: Choices, answers: Answers): Score[] {
  const { index } = choices.view, untrained = choices.isUntrained(choice);
  const scores: Score[] = [];
  const own = column.pair?.facts.pck;
  if (own) scores.push(scoreOf(thisPair, own, untrained ? null : answers.ratesOf(choice, true, index)));
  const many = answers.ratesOf(choice, untrained, null);
  if (many) scores.push(scoreOf(pairsText(many.pairs), many, untrained ? null : answers.ratesOf(choice, true, null)));
  return scores;
}

/** The screen's question, answered for a column whose scores these are; null: its pair is not there. */
export function answerOf({ column, extras }: Shown, scores: readonly Score[], mode: Mode, isOneImage: boolean): { bold: string; rest: string; of: string } | null {
  const { pair } = column;
  if (!pair) return null;
  const { nameA, nameB, pck } = pair.facts;
  const many = scores.find(({ title }) => title !== thisPair), own = scores.find(({ title }) => title === thisPair);
  const { bold, rest } = mode === 'codes' && extras.codes ? codesAnswer(pair, extras.codes)
    : mode === 'prototypes' && extras.assigned ? assignedAnswer(extras.assigned)
    : mode === 'reconstruction' && extras.painted ? paintedAnswer(pair.pixels.a, pair.facts.imageSize.a, pair.grid.a, extras.painted)
    : many ? verdict(many, null) : own && pck ? verdict(own, pck.patches)
    : { bold: isOneImage ? 'These views share nothing' : `${column.mutual.length} of ${pair.grid.a ** 2} patches are each other's best match`, rest: isOneImage ? ': draw others.' : '. Of two images nobody knows the truth.' };
  return { bold, rest, of: isOneImage ? nameA : `${nameA} · ${nameB}` };
}

/** A row of the table for each pin in each column: what it is most like, and how far off that is. */
export function pinRows(pins: readonly Pointed[], shown: readonly Shown[], choices: Choices): string[][] {
  return pins.flatMap((pin, i) => shown.flatMap(({ column, choice }) => {
    const { pair } = column;
    if (!pair) return [];
    const patch = column.patchOf(pin), query = pair.query(pin.side, patch);
    const from = `${pin.side}, ${placeText(pair.centre(pin.side, patch))}`;
    if (typeof query === 'string') return [[String(i + 1), choices.nameOf(choice), from, query, '', '', '']];
    const { best, values, over, truth, distance, error } = query;
    return [[String(i + 1), choices.nameOf(choice), from, `${over}, ${placeText(pair.centre(over, best))}`, values[best]!.toFixed(3), truth ? placeText(truth) : '–', errorText(distance, error)]];
  }));
}
