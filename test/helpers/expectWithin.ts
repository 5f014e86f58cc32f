/** A bar of time in a test. */
import { expect } from 'vitest';
import { limitHere, type Clock } from './slowness.ts';

/** Expects that what took `milliseconds` by the clock took less than `limit`, or than the limit times this machine's slowness. */
export async function expectWithin(limit: number, milliseconds: number, clock: Clock, what?: string): Promise<void> {
  expect(milliseconds, what).toBeLessThan(await limitHere(limit, milliseconds, clock));
}
