/** Cubic splines through given points, as the weights that each value between them gives to the points. */

/**
 * Rows of weights [at.length][knots.length]: the spline through the values at `knots` (rising, four or more) is their weighted sum. Its third
 * derivative runs on over the second knot and the last but one ("not-a-knot", as FITPACK's); beyond the ends it keeps the end's value.
 */
export function splineWeights(knots: readonly number[], at: readonly number[]): number[][] {
  const bends = secondDerivatives(knots), last = knots.length - 1;
  return at.map((any) => {
    const x = Math.min(knots[last]!, Math.max(knots[0]!, any));
    let i = 0;
    while (i < last - 1 && knots[i + 1]! <= x) i++;
    const h = knots[i + 1]! - knots[i]!, right = (x - knots[i]!) / h, left = 1 - right;
    const [bendLeft, bendRight] = [((left ** 3 - left) * h * h) / 6, ((right ** 3 - right) * h * h) / 6];
    return knots.map((_, k) => (k === i ? left : k === i + 1 ? right : 0) + bendLeft * bends[i]![k]! + bendRight * bends[i + 1]![k]!);
  });
}

/** For each knot the weights of the values in the spline's second derivative there. */
function secondDerivatives(knots: readonly number[]): number[][] {
  const count = knots.length, h = knots.slice(1).map((knot, i) => knot - knots[i]!);
  const zeros = (): number[] => new Array<number>(count).fill(0);
  const equations = knots.map((_, i) => {
    const [left, right] = [zeros(), zeros()];
    if (i > 0 && i < count - 1) {
      const [before, after] = [h[i - 1]!, h[i]!];
      left.splice(i - 1, 3, before, 2 * (before + after), after);
      right.splice(i - 1, 3, 6 / before, -6 / before - 6 / after, 6 / after);
    } else {
      const first = i === 0 ? 0 : count - 3, [before, after] = [h[first]!, h[first + 1]!];
      left.splice(first, 3, after, -before - after, before);
    }
    return { left, right };
  });
  return solved(equations.map(({ left }) => left), equations.map(({ right }) => right));
}

/** X of A X = B by Gaussian elimination; both are overwritten. */
function solved(a: number[][], b: number[][]): number[][] {
  const subtract = (rows: number[][], to: number, from: number, factor: number): void => rows[from]!.forEach((value, k) => (rows[to]![k]! -= factor * value));
  for (let column = 0; column < a.length; column++) {
    let pivot = column;
    for (let row = column + 1; row < a.length; row++) if (Math.abs(a[row]![column]!) > Math.abs(a[pivot]![column]!)) pivot = row;
    for (const rows of [a, b]) [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let row = 0; row < a.length; row++) {
      const factor = a[row]![column]! / a[column]![column]!;
      if (row === column || factor === 0) continue;
      subtract(a, row, column, factor);
      subtract(b, row, column, factor);
    }
  }
  return b.map((row, i) => row.map((value) => value / a[i]![i]!));
}
