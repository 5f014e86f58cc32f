/** Twenty windows and a run whose process is gone: one process comes of it, and every window is connected to that. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { isAlive, ownHolder } from '../../backend/link/holder.ts';
import { readStatus } from '../../backend/link/status.ts';
import { run } from '../cli/command.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { attach, detach, endless, eventually, writeRunFile } from './runs.ts';
import { leaveStaleSocket, raceOverStaleSocket } from './windows.ts';

const folder = temporaryFolder();
const path = join(folder, 'run');
beforeAll(async () => {
  expect((await run(['train', await writeRunFile(folder), '--run', path, ...endless, '--set', 'schedule.steps=2'])).code).toBe(0);
});

test('over a stale socket and a recycled process number, with a home of 200 characters, three times', async () => {
  // Engines that were installed at home are not found there: the one that is always there does.
  const env = { HOME: `/${'h'.repeat(199)}` };
  for (let round = 0; round < 3; round++) {
    const result = await raceOverStaleSocket({ folder: path, windows: 20, more: [...endless, '--engine', 'wasm'], command: (args) => run(args, { env }) });
    expect(result).toMatchObject({ backends: 1, clients: 20 });
    expect(result.pathBytes).toBeGreaterThan(0);
    expect(result.pathBytes).toBeLessThanOrEqual(103);
    console.log(`20 windows were connected ${Math.round(result.milliseconds)} ms after they had asked`);
  }
  const { pid } = (await readStatus(path))!;
  await eventually(() => isAlive({ ...ownHolder(), pid, start: null }), (alive) => !alive);
});

test('the next run sweeps sockets of processes that are gone, and no others', async () => {
  const first = await detach(path, path, '--resume');
  const window = await attach(first.folder);
  const { socket } = window.connection.status;
  const stale = leaveStaleSocket(socket!);
  const second = await detach(join(folder, 'tiny.siam.json'), join(folder, 'second'), '--now');
  const other = await attach(second.folder);
  expect([existsSync(stale), existsSync(socket!)]).toEqual([false, true]);
  for (const { connection, closed } of [window, other]) {
    await connection.stop();
    await closed;
  }
});
