/** "Did you mean ...?": the known name that a mistyped one is closest to. */

/** Edits (insert, delete, replace, swap of neighbours) from a to b; Damerau and Levenshtein's distance, restricted. */
export function editDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Uint16Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)));
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const [row, above] = [rows[i]!, rows[i - 1]!];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), swapped ? rows[i - 2]![j - 2]! + 1 : Infinity);
    }
  return rows[a.length]![b.length]!;
}

/** Longer than any name of ours: not worth comparing. */
const maxLength = 80;

/** The candidate nearest to `name`, or null where none is near: at most a third of its letters differ, or one is a part of the other. */
export function nearest(name: string, candidates: readonly string[]): string | null {
  if (name.length > maxLength) return null;
  const wanted = name.toLowerCase();
  let best: string | null = null;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  if (wanted.length < 3) return best;
  return best ?? candidates.find((candidate) => candidate.toLowerCase().includes(wanted)) ?? candidates.find((candidate) => candidate.length > 3 && wanted.includes(candidate.toLowerCase())) ?? null;
}

/** ` - did you mean "x"?`, or nothing. */
export function suggestion(name: string, candidates: readonly string[]): string {
  const found = nearest(name, candidates);
  return found === null ? '' : ` - did you mean "${found}"?`;
}
