/** Runs that nobody's terminal or window holds: left, found again with no step lost, stopped, killed, and resumed. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { isRunning, processStart } from '../../backend/link/process.ts';
import { readStatus } from '../../backend/link/status.ts';
import { RunSet } from '../../extension/runs/runSet.ts';
import type { Run } from '../../extension/runs/tracker.ts';
import { rowsOf, run, runtime, start } from '../cli/command.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { attach, detach, endless, eventually, statusWhen, writeRunFile } from './runs.ts';

const folder = temporaryFolder();
let file: string;
beforeAll(async () => {
  file = await writeRunFile(folder);
});

const locks = (path: string): string[] => readdirSync(path).filter((name) => name.startsWith('.lock'));

/** What a window shows of one run folder. */
async function openWindow(path: string): Promise<{ set: RunSet; run: () => Run; close: () => void }> {
  const set = new RunSet({ maySweep: () => true, onChange: () => undefined, onEvent: () => undefined, say: () => undefined });
  await set.look(path);
  return { set, run: () => set.get(path)!, close: () => set.dispose() };
}

test('a detached run has a session of its own, no terminal, and its folder at once', async () => {
  const { folder: path, pid } = await detach(file, join(folder, 'own'));
  expect(await readStatus(path)).toMatchObject({ pid, state: expect.stringMatching(/^(starting|running)$/) });
  if (process.platform === 'linux') {
    const [, , group, session, terminal] = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ').map(Number);
    expect([group, session, terminal]).toEqual([pid, pid, 0]);
  } else console.warn('SKIPPED: session and terminal: only Linux tells them by file');
  const window = await attach(path);
  await window.connection.stop();
  await window.closed;
  await eventually(() => locks(path), (held) => held.length === 0);
  expect(readFileSync(join(path, 'output.txt'), 'utf8')).toBe('');
});

test('a window leaves and comes back, another one watches: nobody misses a step, and both stop the same run', async () => {
  const { folder: path } = await detach(file, join(folder, 'watched'));
  const first = await attach(path);
  await eventually(() => first.steps.length, (count) => count >= 5);
  first.connection.close();
  const left = first.steps.at(-1)!;
  await eventually(() => rowsOf(path).length, (count) => count > left + 5);
  const [second, third] = [await attach(path), await attach(path)];
  for (const { connection } of [second, third]) {
    // Everything before is in the file, everything after is told.
    const known = rowsOf(path).map(({ step }) => step);
    expect(known.slice(0, connection.row!.step)).toEqual(Array.from({ length: connection.row!.step }, (_, i) => i + 1));
    expect(connection.status.state).toBe('running');
  }
  await eventually(() => third.steps.length, (count) => count >= 5);
  const begun = performance.now();
  await second.connection.stop();
  await Promise.all([second.closed, third.closed]);
  expect(performance.now() - begun).toBeLessThan(5000);
  const status = await statusWhen(path, ({ socket }) => socket === null);
  expect(status).toMatchObject({ state: 'stopped', error: null, checkpoint: status.step });
  const written = rowsOf(path).map(({ step }) => step);
  expect(written).toEqual(Array.from({ length: status.step }, (_, i) => i + 1));
  for (const { connection, steps, events } of [second, third]) {
    expect(steps).toEqual(written.slice(connection.row!.step));
    expect(events.at(-1)).toMatchObject({ kind: 'ended', state: 'stopped', step: status.step });
  }
  await eventually(() => locks(path), (held) => held.length === 0);
});

test('a checkpoint is saved when a window asks for one', async () => {
  const { folder: path } = await detach(file, join(folder, 'saved'), '--set', 'checkpoint.everyMinutes=null');
  const window = await attach(path);
  await eventually(() => window.steps.length, (count) => count >= 2);
  const step = await window.connection.save();
  expect(existsSync(join(path, 'checkpoints', String(step), 'state.json'))).toBe(true);
  await eventually(() => window.steps.at(-1)!, (newest) => newest > step + 2);
  await window.connection.stop();
  await window.closed;
});

test('the process that started it is killed, and its whole session: the run goes on', async () => {
  const path = join(folder, 'orphan');
  const editor = spawn(process.execPath, ['-e', `require('node:child_process').spawn(process.execPath, ${JSON.stringify([join(import.meta.dirname, '../../dist/siamscope.mjs'), 'train', file, '--run', path, '--detach', ...endless])}, { stdio: 'inherit' }); setInterval(() => {}, 1000)`], { detached: true, stdio: 'ignore', env: { ...process.env, SIAMSCOPE_RUNTIME_DIR: runtime } });
  const { pid } = await statusWhen(path, ({ step }) => step >= 3);
  process.kill(-editor.pid!, 'SIGKILL');
  await once(editor, 'exit');
  const killed = rowsOf(path).length;
  await eventually(() => rowsOf(path).length, (count) => count > killed + 5);
  const window = await openWindow(path);
  expect(window.run()).toMatchObject({ state: 'running', attached: true, status: { pid } });
  await window.set.tracker(path)!.stop(true);
  expect(window.run()).toMatchObject({ state: 'stopped', attached: false, reason: null });
  window.close();
});

describe('a killed run', () => {
  test('two windows say so within two seconds, with the reason; nothing is left, and it can be resumed', async () => {
    const { folder: path, pid } = await detach(file, join(folder, 'killed'), '--set', 'checkpoint.everySteps=2');
    await statusWhen(path, ({ checkpoint }) => checkpoint !== null);
    const windows = [await openWindow(path), await openWindow(path)];
    for (const window of windows) expect(window.run()).toMatchObject({ state: 'running', attached: true });
    const { socket } = windows[0]!.run().status;
    process.kill(pid, 'SIGKILL');
    const killed = performance.now();
    await eventually(() => windows.map(({ run: shown }) => shown().state), (states) => states.every((state) => state === 'lost'));
    expect(performance.now() - killed).toBeLessThan(2000);
    for (const window of windows) expect(window.run()).toMatchObject({ attached: false, reason: expect.stringMatching(new RegExp(`^killed after step \\d+: its process \\(${pid}\\) ended without a word$`)) });
    expect(locks(path)).toEqual([]);
    await detach(file, path, '--resume');
    for (const window of windows) {
      await eventually(async () => (await window.set.look(path), window.run().state), (state) => state === 'running');
      expect(window.run().reason).toBeNull();
    }
    // The next one that serves has swept what the killed one left.
    expect(existsSync(socket!)).toBe(false);
    await windows[0]!.set.tracker(path)!.stop(true);
    await eventually(() => windows.map(({ run: shown }) => shown().state), (states) => states.every((state) => state === 'stopped'));
    for (const window of windows) window.close();
    const written = rowsOf(path).map(({ step }) => step);
    expect(written).toEqual(Array.from({ length: written.length }, (_, i) => i + 1));
  });

  test('the reason names memory, a crash, or a restart, by what is there', async () => {
    const { folder: path, pid } = await detach(file, join(folder, 'reasons'));
    await statusWhen(path, ({ step }) => step > 0);
    process.kill(pid, 'SIGKILL');
    await eventually(() => isRunning(pid, null), (alive) => !alive);
    const reason = async (): Promise<string | null> => {
      const window = await openWindow(path);
      const { reason: found } = window.run();
      window.close();
      return found;
    };
    writeFileSync(join(path, 'output.txt'), '\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n 1: 0xb8 node::Abort()\n');
    expect(await reason()).toMatch(/^out of memory after step \d+: FATAL ERROR: Reached heap limit/);
    writeFileSync(join(path, 'output.txt'), 'terminate called after throwing an instance of \'c10::Error\'\n');
    expect(await reason()).toMatch(/^crashed after step \d+: terminate called/);
    const status = JSON.parse(readFileSync(join(path, 'status.json'), 'utf8')) as object;
    writeFileSync(join(path, 'status.json'), JSON.stringify({ ...status, updated: '2001-01-01T00:00:00.000Z' }));
    expect(await reason()).toMatch(/^the machine was restarted after step/);
  });

  test('a process that has ended and that nobody has asked for is not alive', async () => {
    if (process.platform !== 'linux') return void console.warn('SKIPPED: ended processes that nobody has asked for: made by a shell of Linux');
    // The shell becomes a sleep that never asks for its child, before that ends.
    const shell = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const pid = Number(String((await once(shell.stdout, 'data'))[0]));
    await setTimeout(800);
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /);
    expect(isRunning(pid, null)).toBe(false);
    expect(isRunning(pid, processStart(pid))).toBe(false);
    shell.kill();
  });
});

describe('what cannot begin', () => {
  test('is said by the command that was to start it, with its exit code', async () => {
    const path = join(folder, 'taken');
    await detach(file, path);
    expect(await run(['train', file, '--run', path, '--detach', ...endless])).toMatchObject({ code: 1, stderr: expect.stringContaining('trains there') });
    const window = await attach(path);
    await window.connection.stop();
    await window.closed;
    await eventually(() => locks(path), (held) => held.length === 0);
    expect(await run(['train', file, '--run', path, '--detach', ...endless])).toMatchObject({ code: 2, stderr: expect.stringContaining('has a run already') });
    expect(await run(['train', file, '--detach', '--set', 'batch.size=none'])).toMatchObject({ code: 2, stderr: expect.stringContaining('batch.size') });
    const nowhere = join(folder, 'nowhere');
    expect(await run(['train', join(folder, 'no.siam.json'), '--run', nowhere, '--detach'])).toMatchObject({ code: 2 });
    expect(existsSync(nowhere)).toBe(false);
  });

  test('of ten that begin at once in one folder one runs, and readers see whole statuses only', async () => {
    const path = join(folder, 'race');
    mkdirSync(path);
    let torn = 0, read = 0, racing = true;
    const reading = Promise.all(Array.from({ length: 20 }, async () => {
      while (racing) {
        const text = existsSync(join(path, 'status.json')) ? readFileSync(join(path, 'status.json'), 'utf8') : null;
        if (text !== null) {
          read++;
          try {
            JSON.parse(text);
          } catch {
            torn++;
          }
        }
        await setTimeout(2);
      }
    }));
    const racers = Array.from({ length: 10 }, () => start(['train', file, '--run', path, '--json', '--now', ...endless]));
    const losers = new Set<number>();
    racers.forEach(({ result }, i) => void result.then(() => losers.add(i)));
    await eventually(() => losers.size, (count) => count === 9, 60_000);
    const [winner] = racers.filter((_, i) => !losers.has(i));
    await winner!.until((event) => event.kind === 'step' && event.row.step >= 3);
    expect(locks(path)).toHaveLength(1);
    winner!.child.kill('SIGTERM');
    await winner!.result;
    racing = false;
    await reading;
    expect(torn).toBe(0);
    expect(read).toBeGreaterThan(100);
    const written = rowsOf(path).map(({ step }) => step);
    expect(written).toEqual(Array.from({ length: written.length }, (_, i) => i + 1));
  });
});

test('nothing that was started here is left', () => {
  if (process.platform !== 'linux') return void console.warn('SKIPPED: processes that are left: asked by ps of Linux');
  const { stdout } = spawnSync('ps', ['-eo', 'pid,stat,args'], { encoding: 'utf8' });
  expect(stdout.split('\n').filter((line) => line.includes(folder) && line.includes('siamscope.mjs') && !/^\s*\d+ Z/.test(line))).toEqual([]);
});
