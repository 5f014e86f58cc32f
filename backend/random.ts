/**
 * Seeded random numbers, drawn per key (seed, epoch, sample, ...) so that any draw can be replayed alone:
 * the generator's whole state follows from its key, never from what was drawn before it.
 */

/** One round of a 32-bit finalising hash (Mueller's mix; avalanche of every bit). */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /** A generator (sfc32) for the given key of integers; equal keys give equal streams on every machine. */
  constructor(...key: number[]) {
    let h = 0x9e3779b9;
    for (const k of key) h = mix(mix(h ^ (k >>> 0)) + Math.floor(k / 2 ** 32) + 0x85ebca6b);
    this.a = mix(h + 1);
    this.b = mix(h + 2);
    this.c = mix(h + 3);
    this.d = 1;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** An integer in [0, 2^32). */
  uint32(): number {
    const t = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (this.c << 21) | (this.c >>> 11);
    this.c = (this.c + t) | 0;
    return t >>> 0;
  }

  /** A number in [low, high), 53 bits. */
  uniform(low = 0, high = 1): number {
    const unit = ((this.uint32() >>> 5) * 0x4000000 + (this.uint32() >>> 6)) / 2 ** 53;
    return low + (high - low) * unit;
  }

  /** An integer in [low, high]. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  /** True with probability p. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** A draw of N(0, 1), by Box and Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A permutation of 0 ... n-1, by Fisher and Yates. */
  permutation(n: number): Uint32Array {
    const p = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [p[i], p[j]] = [p[j]!, p[i]!];
    }
    return p;
  }
}
