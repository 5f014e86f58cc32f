/**
 * Runs that share a device wait for each other, first come, first served. Each lays down a ticket in the user's private folder,
 * numbered as in a baker's shop (Lamport 1974): who draws says so first, so that nobody overtakes unseen. No one hands a device
 * over: tickets of processes that are gone count for nothing, whatever ended them.
 */
import { randomBytes } from 'node:crypto';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { writeAtomically } from '../formats/atomic.ts';
import { isAlive, ownHolder, parseHolder, parseJsonText, type Holder } from '../link/holder.ts';
import { readSmallFile } from '../link/smallFile.ts';
import type { QueuePlace } from '../protocol.ts';

interface Ticket extends Holder {
  /** The run's folder. */
  run: string;
  /** The device that was expected, and the one that it was in the end. */
  devices: string[];
  /** null while it is drawn. */
  number: number | null;
  /** It waited for nobody. */
  now: boolean;
}

export interface TurnRequest {
  /** The user's private folder. */
  folder: string;
  run: string;
  device: string;
  /** Wait for nobody. */
  now: boolean;
  stop: AbortSignal;
  /** Told before the first wait, and when somebody ahead has gone. */
  onWait: (place: QueuePlace) => void;
}

/** Somebody has the device, until they release it. */
export interface Turn {
  /** The engine has opened another device than was expected: both count as taken. */
  uses(device: string): Promise<void>;
  release(): Promise<void>;
}

const fileName = /^[0-9a-f]{16}\.ticket$/;
const ticketBytes = 16_384;
const pollMilliseconds = 250, drawingMilliseconds = 5;
/** Cleaners of temporary folders remove what nobody has touched for days. */
const touchMilliseconds = 3_600_000;

/** Waits until nobody else is ahead on the device. Null where `stop` came first. */
export async function takeTurn({ folder, run, device, now, stop, onWait }: TurnRequest): Promise<Turn | null> {
  const name = `${randomBytes(8).toString('hex')}.ticket`;
  const path = join(folder, name);
  const write = (ticket: Ticket): Promise<void> => writeAtomically(path, (temporary) => writeFile(temporary, JSON.stringify(ticket), { mode: 0o600 }));
  const release = async (): Promise<void> => {
    clearInterval(touching);
    await rm(path, { force: true });
  };
  let ticket: Ticket = { ...ownHolder(), run, devices: [device], number: null, now };
  const touching = setInterval(() => {
    const date = new Date();
    utimes(path, date, date).catch(() => undefined);
  }, touchMilliseconds).unref();
  try {
    await write(ticket);
    const taken = await otherTickets(folder, name);
    ticket = { ...ticket, number: 1 + Math.max(0, ...taken.map(({ ticket: { number } }) => number ?? 0)) };
    await write(ticket);
    for (let told = ''; !now; ) {
      const others = await otherTickets(folder, name);
      const ahead = others.filter((other) => isAhead(other, { name, ticket }));
      const drawn = ahead.filter((other) => other.ticket.number !== null).sort((a, b) => a.ticket.number! - b.ticket.number!);
      if (ahead.length === 0) break;
      if (stop.aborted) {
        await release();
        return null;
      }
      const [first] = drawn;
      if (first) {
        const place: QueuePlace = { device, ahead: drawn.length, holder: { pid: first.ticket.pid, run: first.ticket.run } };
        const text = JSON.stringify(place);
        if (text !== told) onWait(place);
        told = text;
      }
      await setTimeout(first ? pollMilliseconds : drawingMilliseconds, undefined, { signal: stop }).catch(() => undefined);
    }
    return {
      async uses(used) {
        if (ticket.devices.includes(used)) return;
        ticket = { ...ticket, devices: [...ticket.devices, used] };
        await write(ticket);
      },
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

interface Named {
  name: string;
  ticket: Ticket;
}

function isAhead(other: Named, own: Named): boolean {
  const { number, devices, now } = other.ticket;
  if (!devices.some((device) => own.ticket.devices.includes(device))) return false;
  return number === null || now || number < own.ticket.number! || (number === own.ticket.number && other.name < own.name);
}

/** Tickets of living processes; those of others are removed. */
async function otherTickets(folder: string, except: string): Promise<Named[]> {
  const found: Named[] = [];
  for (const name of await readdir(folder)) {
    if (!fileName.test(name) || name === except) continue;
    const text = await readSmallFile(join(folder, name), ticketBytes);
    if (text === null) continue;
    const ticket = parseTicket(parseJsonText(text));
    if (ticket && isAlive(ticket)) found.push({ name, ticket });
    else await rm(join(folder, name), { force: true });
  }
  return found;
}

function parseTicket(value: unknown): Ticket | null {
  const holder = parseHolder(value);
  if (!holder) return null;
  const { run, devices, number, now } = value as Partial<Record<keyof Ticket, unknown>>;
  const isNumber = number === null || (typeof number === 'number' && Number.isSafeInteger(number));
  if (typeof run !== 'string' || !Array.isArray(devices) || !devices.every((device) => typeof device === 'string') || !isNumber) return null;
  return { ...holder, run, devices, number, now: now === true };
}
