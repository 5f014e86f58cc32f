/** A bar of time in a test. */
import { expect } from 'vitest';
import { limitHere, type Clock } from './slowness.ts';

/** Expects that what took `milliseconds` by the clock took less than `limit`, or than the limit times this machine's slowness. */
export async function expectWithin(limit: number, milliseconds: number, clock: Clock, what?: string): Promise<void> {
  expect(milliseconds, what).toBeLessThan(await limitHere(limit, milliseconds, clock));
}

/** The least of what `work` takes by the clock, until it is below the limit, of three times at most: a machine's neighbours only ever add to it. */
export async function leastTime(limit: number, clock: Clock, work: () => unknown): Promise<number> {
  let least = Infinity;
  for (let k = 0; k < 3 && least >= limit; k++) least = Math.min(least, await clock(work));
  return least;
}
