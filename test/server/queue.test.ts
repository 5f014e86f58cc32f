/** Runs of one device wait for each other: first come, first served, whoever is killed, stopped or told not to wait. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { processStart } from '../../backend/link/process.ts';
import { readStatus } from '../../backend/link/status.ts';
import type { QueuePlace } from '../../backend/protocol.ts';
import { takeTurn, type Turn, type TurnRequest } from '../../backend/train/deviceQueue.ts';
import { likelyDevice, sharedName } from '../../backend/train/devices.ts';
import { run, start } from '../cli/command.ts';
import { bundleProgram } from '../helpers/bundle.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { attach, detach, endless, eventually, statusWhen, writeRunFile } from './runs.ts';

const folder = temporaryFolder();
let file: string;
beforeAll(async () => {
  file = await writeRunFile(folder);
});

const isUnstopped = new AbortController().signal;
const tickets = (path: string): string[] => readdirSync(path).filter((name) => name.endsWith('.ticket'));

function ask(path: string, request: Partial<TurnRequest> = {}): Promise<Turn | null> {
  return takeTurn({ folder: path, run: 'a run', device: 'cpu', now: false, stop: isUnstopped, onWait: () => undefined, ...request });
}

function fresh(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

describe('turns', () => {
  test('one has the device; another device is free; who may not wait does not', async () => {
    const path = fresh('turns');
    const first = await ask(path);
    const places: QueuePlace[] = [];
    const order: string[] = [];
    const second = ask(path, { run: 'second', onWait: (place) => places.push(place) }).then((turn) => (order.push('second'), turn!));
    await eventually(() => places.length, (count) => count === 1);
    const third = ask(path, { run: 'third', onWait: (place) => places.push(place) }).then((turn) => (order.push('third'), turn!));
    await eventually(() => places.length, (count) => count === 2);
    expect(places).toEqual([{ device: 'cpu', ahead: 1, holder: { pid: process.pid, run: 'a run' } }, { device: 'cpu', ahead: 2, holder: { pid: process.pid, run: 'a run' } }]);
    const other = await ask(path, { device: 'cuda:0' });
    const eager = await ask(path, { now: true, run: 'eager' });
    await first!.release();
    await setTimeout(600);
    // The one that did not wait has it now.
    expect(order).toEqual([]);
    await eager!.release();
    await (await second).release();
    await (await third).release();
    expect(order).toEqual(['second', 'third']);
    await other!.release();
    expect(tickets(path)).toEqual([]);
  });

  test('tickets of the dead, of the reborn and damaged ones count for nothing; those of a device that was used instead count', async () => {
    const path = fresh('stale');
    const child = spawn(process.execPath, ['-e', '0']);
    await once(child, 'exit');
    const put = (name: string, content: unknown): void => writeFileSync(join(path, `${name.repeat(16)}.ticket`), typeof content === 'string' ? content : JSON.stringify(content));
    const ticket = { pid: child.pid, start: null, host: hostname(), run: 'dead', devices: ['cpu'], number: 1, now: false };
    put('a', ticket);
    put('b', '{"pid":');
    if (processStart(process.pid) !== null) put('c', { ...ticket, pid: process.pid, start: 'another time' });
    put('d', { ...ticket, number: null });
    const turn = await ask(path);
    expect(tickets(path)).toHaveLength(1);
    await turn!.uses('cuda:1');
    const stop = new AbortController();
    const waiting = ask(path, { device: 'cuda:1', stop: stop.signal });
    expect(await Promise.race([waiting, setTimeout(500, 'waits')])).toBe('waits');
    stop.abort();
    expect(await waiting).toBeNull();
    expect(tickets(path)).toHaveLength(1);
    await turn!.release();
  });

  test('ten processes ask at once, some are killed while they have it: never two at a time', async () => {
    const path = fresh('race'), journal = join(folder, 'journal.txt');
    writeFileSync(journal, '');
    const program = await bundleProgram(folder, 'asker', `
      import { takeTurn } from '#/backend/train/deviceQueue.ts'; import { appendFileSync } from 'node:fs';
      const [folder, journal, dies] = process.argv.slice(2);
      const turn = await takeTurn({ folder, run: String(process.pid), device: 'cpu', now: false, stop: new AbortController().signal, onWait: () => undefined });
      appendFileSync(journal, '+'); await new Promise((r) => setTimeout(r, 20)); appendFileSync(journal, '-');
      if (dies === 'yes') process.kill(process.pid, 'SIGKILL');
      await turn.release();`);
    const children = Array.from({ length: 10 }, (_, i) => spawn(process.execPath, [program, path, journal, i % 3 === 0 ? 'yes' : 'no'], { stdio: 'inherit' }));
    await Promise.all(children.map((child) => once(child, 'exit')));
    expect(readFileSync(journal, 'utf8')).toBe('+-'.repeat(10));
  });
});

test('a device has one name for every process', () => {
  const cuda = { engine: 'auto', device: 'cuda:1', precision: 'auto', threads: null } as const;
  expect(sharedName('cuda', {})).toBe('cuda:0');
  expect(sharedName('cpu', {})).toBe('cpu');
  expect(likelyDevice(cuda, { CUDA_VISIBLE_DEVICES: '2, 3' })).toBe('cuda:3');
  expect(likelyDevice({ ...cuda, device: 'auto' }, {}, () => true)).toBe('cuda:0');
  expect(likelyDevice({ ...cuda, device: 'auto' }, { CUDA_VISIBLE_DEVICES: '' }, () => true)).toBe('cpu');
  expect(likelyDevice({ ...cuda, engine: 'wasm', device: 'auto' }, {}, () => true)).toBe('cpu');
});

describe('runs', () => {
  test('wait in order, load nothing meanwhile, go on when the first is killed, and can be stopped while they wait', async () => {
    const first = await detach(file, join(folder, 'first'));
    await statusWhen(first.folder, ({ step }) => step > 0);
    const second = await detach(file, join(folder, 'second'));
    expect(await statusWhen(second.folder, ({ state }) => state === 'queued')).toMatchObject({ engine: null, queue: { device: 'cpu', ahead: 1, holder: { pid: first.pid, run: first.folder } } });
    const third = await detach(file, join(folder, 'third'));
    expect(await statusWhen(third.folder, ({ state }) => state === 'queued')).toMatchObject({ queue: { ahead: 2 } });
    if (process.platform === 'linux') for (const { pid } of [second, third]) expect(readFileSync(`/proc/${pid}/maps`, 'utf8')).not.toMatch(/libtorch|tensorflow/);
    else console.warn('SKIPPED: libraries of a waiting run: only Linux lists them by file');
    const eager = await detach(file, join(folder, 'eager'), '--now');
    await statusWhen(eager.folder, ({ step }) => step > 0);
    const watching = await attach(third.folder);
    expect(watching.connection.status.state).toBe('queued');
    await expect(watching.connection.save()).rejects.toThrow('not training');
    await watching.connection.stop();
    await watching.closed;
    expect(await statusWhen(third.folder, ({ socket }) => socket === null)).toMatchObject({ state: 'stopped', step: 0, queue: null, error: null });
    process.kill(first.pid, 'SIGKILL');
    await eventually(() => readStatus(second.folder), (status) => status?.queue?.holder.pid === eager.pid);
    const ending = await attach(eager.folder);
    await ending.connection.stop();
    expect(await statusWhen(second.folder, ({ step }) => step > 0)).toMatchObject({ state: 'running', queue: null, engine: { device: 'cpu' } });
    const last = await attach(second.folder);
    await last.connection.stop();
    await last.closed;
  });

  test('a resumed run that waits says where it stands; a terminal is told whom it waits for', async () => {
    expect((await run(['train', file, '--run', join(folder, 'resumed'), ...endless, '--set', 'schedule.steps=3'])).code).toBe(0);
    const first = await detach(file, join(folder, 'ahead'));
    const waiting = start(['train', file, '--run', join(folder, 'resumed'), '--resume', ...endless, '--set', 'schedule.steps=5']);
    expect(await statusWhen(join(folder, 'resumed'), ({ state }) => state === 'queued')).toMatchObject({ step: 3, steps: 3, checkpoint: 3 });
    const window = await attach(first.folder);
    await window.connection.stop();
    const { code, stderr } = await waiting.result;
    expect(code).toBe(0);
    expect(stderr).toContain(`waits for cpu: process ${first.pid} trains ${first.folder}; --now does not wait`);
    expect(await readStatus(join(folder, 'resumed'))).toMatchObject({ state: 'done', step: 5, resumedFrom: 3 });
  });
});
