/** Eigenvalues of symmetric matrices: what the spread of features over directions is read from. */

/**
 * All eigenvalues of a symmetric matrix [n, n], largest first; the matrix is overwritten.
 * Householder's reduction to tridiagonal form, then implicit QL steps (Golub and Van Loan, "Matrix Computations", 8.3).
 */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const { diagonal, offDiagonal } = tridiagonalize(matrix, n);
  return implicitQl(diagonal, offDiagonal).sort().reverse();
}

/** `offDiagonal[i]` joins rows i and i + 1; its last element is 0. */
function tridiagonalize(a: Float64Array, n: number): { diagonal: Float64Array; offDiagonal: Float64Array } {
  const offDiagonal = new Float64Array(n);
  const v = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n - 2; k++) {
    let norm = 0;
    for (let i = k + 1; i < n; i++) norm += a[i * n + k]! ** 2;
    norm = Math.sqrt(norm);
    offDiagonal[k] = norm;
    if (norm === 0) continue;
    // The reflection that turns the column below the diagonal into (alpha, 0, ...), with the sign that avoids cancellation.
    const alpha = a[(k + 1) * n + k]! > 0 ? -norm : norm;
    offDiagonal[k] = alpha;
    for (let i = k + 1; i < n; i++) v[i] = a[i * n + k]!;
    v[k + 1]! -= alpha;
    let length2 = 0;
    for (let i = k + 1; i < n; i++) length2 += v[i]! ** 2;
    const beta = 2 / length2;
    let vp = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += a[i * n + j]! * v[j]!;
      p[i] = beta * sum;
      vp += p[i]! * v[i]!;
    }
    for (let i = k + 1; i < n; i++) p[i]! -= (beta / 2) * vp * v[i]!;
    for (let i = k + 1; i < n; i++) for (let j = k + 1; j < n; j++) a[i * n + j]! -= v[i]! * p[j]! + p[i]! * v[j]!;
  }
  if (n > 1) offDiagonal[n - 2] = a[(n - 1) * n + n - 2]!;
  return { diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i]!), offDiagonal };
}

/** Eigenvalues of a tridiagonal matrix, in no order; both arguments are overwritten. */
function implicitQl(d: Float64Array, e: Float64Array): Float64Array {
  const n = d.length;
  for (let low = 0; low < n; low++)
    for (let sweep = 0; sweep < 60; sweep++) {
      let high = low;
      while (high < n - 1 && Math.abs(e[high]!) > Number.EPSILON * (Math.abs(d[high]!) + Math.abs(d[high + 1]!))) high++;
      if (high === low) break;
      const half = (d[low + 1]! - d[low]!) / (2 * e[low]!);
      let g = d[high]! - d[low]! + e[low]! / (half + Math.sign(half || 1) * Math.hypot(half, 1));
      let [sine, cosine, shift] = [1, 1, 0];
      let i = high - 1;
      for (; i >= low; i--) {
        const f = sine * e[i]!;
        const b = cosine * e[i]!;
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1]! -= shift;
          e[high] = 0;
          break;
        }
        sine = f / r;
        cosine = g / r;
        g = d[i + 1]! - shift;
        const t = (d[i]! - g) * sine + 2 * cosine * b;
        shift = sine * t;
        d[i + 1] = g + shift;
        g = cosine * t - b;
      }
      if (i >= low) continue;
      d[low]! -= shift;
      e[low] = g;
      e[high] = 0;
    }
  return d;
}
