/** The socket against those who should not be there, and those who behave badly: nobody gets an answer, and nobody slows the run. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStatus } from '../../backend/link/status.ts';
import { rowsOf } from '../cli/command.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { attach, detach, eventually, statusWhen, writeRunFile, type Detached } from './runs.ts';
import { frame, fuzz, hello, latencies, quantile, request, residentMegabytes, sendUntilClosed, stall, tokenlessGreetings, tokenOf } from './trials.ts';

const folder = temporaryFolder();
const isWindows = process.platform === 'win32';
let running: Detached;
let path: string;

beforeAll(async () => {
  running = await detach(await writeRunFile(folder), join(folder, 'run'));
  path = (await statusWhen(running.folder, ({ socket, step }) => socket !== null && step > 0)).socket!;
});

/** The same process trains on, each step once, and has printed nothing. */
afterAll(async () => {
  const before = rowsOf(running.folder).length;
  await eventually(() => rowsOf(running.folder).length, (count) => count > before + 3);
  expect(await readStatus(running.folder)).toMatchObject({ pid: running.pid, state: 'running' });
  const window = await attach(running.folder);
  await window.connection.stop();
  await window.closed;
  const written = rowsOf(running.folder).map(({ step }) => step);
  expect(written).toEqual(Array.from({ length: written.length }, (_, i) => i + 1));
  expect(readFileSync(join(running.folder, 'output.txt'), 'utf8')).toBe('');
  expect(await readStatus(running.folder)).toMatchObject({ state: 'stopped', error: null });
  // Nothing of it is left in the private folder.
  await eventually(() => readdirSync(dirname(path)), (names) => names.length === 0);
});

test('folder, socket and token are the user\'s own, and the path is short', () => {
  if (isWindows) return void console.warn('SKIPPED: modes of folder and files: Windows has none');
  const mode = (file: string): number => statSync(file).mode & 0o777;
  expect([mode(dirname(path)), mode(path), mode(path.replace(/sock$/, 'json'))]).toEqual([0o700, 0o600, 0o600]);
  expect(statSync(dirname(path)).uid).toBe(process.getuid!());
  for (const name of readdirSync(dirname(path))) expect(mode(join(dirname(path), name)), name).toBe(0o600);
  expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103);
});

test('a hundred clients without the token: no byte of an answer, each closed', async () => {
  const greetings = tokenlessGreetings(tokenOf(path));
  const attempts = Array.from({ length: 100 }, (_, i) => sendUntilClosed(path, greetings[i % greetings.length]!));
  for (const { received, closed } of await Promise.all(attempts)) expect({ received, closed }).toEqual({ received: 0, closed: true });
});

test('a client that says nothing is closed after some seconds', async () => {
  const begun = performance.now();
  expect(await sendUntilClosed(path, Buffer.from('Content-Le'))).toEqual({ received: 0, closed: true });
  expect(performance.now() - begun).toBeLessThan(8000);
});

test('another user of the machine gets nothing', () => {
  const other = 65534;
  if (isWindows || process.getuid?.() !== 0) return void console.warn('SKIPPED: another user: only root can be one');
  const attempt = `
    const { connect } = require('node:net'), { readFileSync, readdirSync } = require('node:fs'), { dirname } = require('node:path');
    const path = process.argv[1], tried = [];
    for (const act of [() => readdirSync(dirname(path)), () => readFileSync(path.replace(/sock$/, 'json'))]) try { act(); tried.push('read'); } catch (error) { tried.push(error.code); }
    let left = 100;
    const again = () => connect(path).on('connect', () => tried.push('connected')).on('error', (error) => tried.push(error.code)).on('close', () => (--left ? again() : console.log(JSON.stringify(tried))));
    again();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', attempt, path], { uid: other, gid: other, encoding: 'utf8', cwd: '/', env: {} });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual(Array.from({ length: 102 }, () => 'EACCES'));
});

test('sizes are judged by the header: 1 GB and 33 MB are refused before anything is kept, 31 MB is read and answered', async () => {
  const before = residentMegabytes(running.pid);
  const token = tokenOf(path);
  for (const length of [2 ** 30, 33 * 2 ** 20]) {
    const greeted = Buffer.concat([hello(token), Buffer.from(`Content-Length: ${length}\r\n\r\n`), Buffer.alloc(2 ** 20)]);
    expect(await sendUntilClosed(path, greeted)).toMatchObject({ closed: true });
  }
  await Promise.all(Array.from({ length: 50 }, () => sendUntilClosed(path, Buffer.concat([hello(token), Buffer.from(`Content-Length: ${2 ** 30}\r\n\r\n`)]))));
  if (before === null) console.warn('SKIPPED: memory of the run: only Linux tells it by file');
  else expect(residentMegabytes(running.pid)! - before).toBeLessThan(32);
  const socket = connect(path);
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text = (text + chunk).slice(-100_000)));
  socket.write(hello(token));
  socket.write(request('large', 'nothing', { padding: 'x'.repeat(31 * 2 ** 20) }));
  await eventually(() => text, (all) => /"id":"large","error":\{"code":-32601/.test(all));
  socket.destroy();
});

test('frames of every broken kind, 5,000 of them: only their senders are closed', async () => {
  const window = await attach(running.folder);
  const before = residentMegabytes(running.pid);
  const { frames, ended } = await fuzz(path, 5000, 11);
  expect(frames).toBe(5000);
  expect(ended).toBeGreaterThan(50);
  const { length } = window.steps;
  await eventually(() => window.steps.length, (count) => count > length + 3);
  if (before !== null) expect(residentMegabytes(running.pid)! - before).toBeLessThan(64);
  window.connection.close();
});

test('a client that asks and never reads is given up; others are answered in time, and training does not wait', async () => {
  // Steps in the same seconds, turn by turn: the machine has other work as well.
  const rates: { quiet: number[]; stalled: number[] } = { quiet: [], stalled: [] };
  const taken: { quiet: number[]; stalled: number[] } = { quiet: [], stalled: [] };
  let drops = 0;
  for (let turn = 0; turn < 4; turn++)
    for (const kind of ['quiet', 'stalled'] as const) {
      const [begun, first] = [performance.now(), rowsOf(running.folder).length];
      const stalling = kind === 'stalled' ? stall(path, 1500) : Promise.resolve({ dropped: false });
      const asked = latencies(path, 1500, 20);
      const { dropped } = await stalling;
      if (dropped) drops++;
      taken[kind].push(...(await asked));
      rates[kind].push((rowsOf(running.folder).length - first) / (performance.now() - begun));
    }
  expect(drops).toBe(4);
  const [p99, quiet] = [quantile(taken.stalled, 0.99), quantile(taken.quiet, 0.99)];
  const ratio = quantile(rates.stalled, 0.5) / quantile(rates.quiet, 0.5);
  console.log(`stalled reader: others' p99 ${p99.toFixed(1)} ms of ${taken.stalled.length} (${quiet.toFixed(1)} ms without), steps a second ${(100 * (ratio - 1)).toFixed(1)} %`);
  // 100 ms, unless the machine is too busy for that with nobody stalling.
  expect(p99).toBeLessThan(Math.max(100, 2 * quiet));
  // A busy machine moves the rate by more than the client does; bench/sockets.mjs measures for longer.
  expect(ratio).toBeGreaterThan(0.7);
});

test('what crosses is JSON-RPC 2.0 in frames of the Language Server Protocol', async () => {
  const socket = connect(path);
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  // One byte at a time, as a slow line would bring it.
  for (const byte of hello(tokenOf(path), 7)) {
    socket.write(Buffer.from([byte]));
    if (byte === 0x0a) await setTimeout(2);
  }
  await eventually(() => bytes.length, (count) => count > 100);
  socket.destroy();
  const text = bytes.toString('utf8');
  const [, length] = /^Content-Length: (\d+)\r\n\r\n/.exec(text)!;
  const body = JSON.parse(bytes.subarray(text.indexOf('{'), text.indexOf('{') + Number(length)).toString('utf8'));
  expect(body).toMatchObject({ jsonrpc: '2.0', id: 7, result: { version: 1, pid: running.pid, folder: running.folder, status: { state: 'running', socket: path }, row: { step: expect.any(Number) } } });
  expect(frame('{}').toString()).toBe('Content-Length: 2\r\n\r\n{}');
  expect(basename(path)).toMatch(/^[0-9a-f]{16}\.sock$/);
});
