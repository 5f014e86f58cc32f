/** What every protocol says of predicted classes: shares with their intervals, the confusion matrix, and the classes that are taken for each other. */
import { wilson, type Rate } from '../rates.ts';

export interface Classification {
  top1: Rate;
  /** The true class is among the five that are ranked first. */
  top5: Rate;
  /** [classes, classes]: images of the class of the row that were taken for that of the column. */
  confusion: number[][];
  /** Most often first. */
  mostConfused: { truth: string; predicted: string; count: number }[];
}

const mostListed = 10;

/** `rankings`: of each image the classes, the likeliest first, five or all. */
export function classification(rankings: readonly (readonly number[])[], labels: Int32Array, classes: readonly string[]): Classification {
  const confusion = classes.map(() => classes.map(() => 0));
  let first = 0, amongFive = 0;
  rankings.forEach((ranking, i) => {
    const truth = labels[i]!;
    confusion[truth]![ranking[0]!]!++;
    if (ranking[0] === truth) first++;
    if (ranking.slice(0, 5).includes(truth)) amongFive++;
  });
  const mostConfused = confusion.flatMap((row, t) => row.map((count, p) => ({ truth: classes[t]!, predicted: classes[p]!, count })).filter(({ count }, p) => p !== t && count > 0));
  mostConfused.sort((a, b) => b.count - a.count);
  return { top1: wilson(first, rankings.length), top5: wilson(amongFive, rankings.length), confusion, mostConfused: mostConfused.slice(0, mostListed) };
}

/** Of each row of scores [count, classes] the classes, the likeliest first: five, or all. */
export function ranked(scores: Float32Array, classes: number): number[][] {
  return Array.from({ length: scores.length / classes }, (_, i) => {
    const row = scores.subarray(i * classes, (i + 1) * classes);
    return Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b).slice(0, 5);
  });
}
