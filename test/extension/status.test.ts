/** status.json, locks and events as anybody may have written them: what is read has its types and bounds, or is nothing. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseEvent } from '../../backend/link/events.ts';
import { liveHolder } from '../../backend/link/holder.ts';
import { packEvent, unpackRow } from '../../backend/link/rows.ts';
import { parseStatus, readStatus } from '../../backend/link/status.ts';
import type { MetricsRow, RunEvent } from '../../backend/protocol.ts';
import { RunSet } from '../../extension/runs/runSet.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();

test('a status has every field, whatever was there', () => {
  for (const nothing of [null, 1, 'running', [], {}, { state: 'running' }, { state: 'running', pid: -1 }, { state: 'constructor', pid: 1 }, { state: 'lost', pid: 1 }, { state: 'running', pid: 2 ** 40 }]) expect(parseStatus(nothing)).toBeNull();
  const parsed = parseStatus(JSON.parse('{"state":"running","pid":7,"__proto__":{"polluted":1},"step":"many","loss":1e999,"name":{"a":1},"health":[1,{"kind":"__proto__"},{"kind":"divergence","step":3}],"error":{"message":["x"],"files":[1,"a"]},"queue":{"device":1,"holder":null},"socket":9}'))!;
  expect(parsed).toMatchObject({ state: 'running', pid: 7, step: 0, loss: null, name: '', health: [{ kind: 'divergence', step: 3, summary: '' }], error: { message: '', step: 0, files: ['a'] }, queue: null, socket: null, steps: null, engine: null });
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
  expect(parseStatus({ state: 'done', pid: 1, name: 'x'.repeat(1e6), health: Array.from({ length: 1e5 }, () => ({ kind: 'divergence' })) })).toMatchObject({ name: 'x'.repeat(10_000), health: { length: 1000 } });
});

describe('files of a run folder', () => {
  const put = (name: string, file: string, content: string): string => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, file), content);
    return path;
  };

  test('too large, no JSON, nested ten thousand deep, a pipe: there is no status, and nobody waits', async () => {
    expect(await readStatus(put('large', 'status.json', `{"state":"done","pid":1,"name":"${'x'.repeat(2 ** 21)}"}`))).toBeNull();
    expect(await readStatus(put('broken', 'status.json', '{"state":'))).toBeNull();
    expect(await readStatus(put('deep', 'status.json', `${'['.repeat(10_000)}${']'.repeat(10_000)}`))).toBeNull();
    expect(await readStatus(join(folder, 'nowhere'))).toBeNull();
    if (process.platform === 'win32') return void console.warn('SKIPPED: a pipe in the place of a file: Windows has none');
    mkdirSync(join(folder, 'pipe'));
    spawnSync('mkfifo', [join(folder, 'pipe/status.json'), join(folder, 'pipe/.lock-0123456789abcdef')]);
    expect(await readStatus(join(folder, 'pipe'))).toBeNull();
    expect(await liveHolder(join(folder, 'pipe'))).toBeNull();
  });

  test('a living state without a lock is a lost run; a socket elsewhere is never connected to; an untrusted folder is left as it is', async () => {
    const path = put('hostile', 'status.json', JSON.stringify({ state: 'running', pid: 1, updated: new Date().toISOString(), socket: '/var/run/docker.sock' }));
    put('hostile', '.lock-0123456789abcdef', JSON.stringify({ pid: 4_000_000, start: null, host: hostname() }));
    const said: string[] = [];
    const set = new RunSet({ maySweep: () => false, onChange: () => undefined, onEvent: () => undefined, say: (text) => said.push(text) });
    expect(await set.look(path)).toMatchObject({ state: 'lost', reason: 'killed: its process (1) ended without a word', attached: false });
    expect(await liveHolder(path, { sweep: false })).toBeNull();
    // This process holds it now, as far as the file says.
    put('hostile', '.lock-0123456789abcdef', JSON.stringify({ pid: process.pid, start: null, host: hostname() }));
    expect(await set.look(path)).toMatchObject({ state: 'running', attached: false });
    expect(said.join()).toContain('/var/run/docker.sock is not used');
    // Nobody is signalled on the word of a file that does not even know when the process began.
    await expect(set.tracker(path)!.stop(true)).rejects.toThrow('nobody can be asked to stop');
    set.dispose();
  });
});

test('events cross whole, numbers that are not finite included; what is none is left out', () => {
  const row: MetricsRow = { step: 3, epoch: 1, loss: NaN, grad_norm: Infinity, learning_rate: -Infinity, images_per_second: 1, seconds: 1, data_seconds: 0, elapsed_seconds: 2, memory_mb: 9 };
  const event: RunEvent = { kind: 'step', row, steps: 10, eta: null };
  expect(parseEvent(JSON.parse(JSON.stringify(packEvent(event))))).toEqual(event);
  for (const nothing of [null, [], 'step', { kind: 'toString' }, { kind: 'step' }, { kind: 'step', row: { step: 1.5 } }, { kind: 'opened', engine: null }, { kind: 'ended', state: 'nonsense' }]) expect(parseEvent(nothing)).toBeNull();
  expect(unpackRow({ step: 1, loss: 'NaN', tag: 'text', __proto__: { loss: 1 } })).toEqual({ step: 1, loss: NaN });
});
