/** How the extension launches the backend: which Node it takes, what it passes on, and what becomes of a cancelled command. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isRunning } from '../../backend/link/process.ts';
import { checkNode, launchOf, nodeProblem, runProcess } from '../../extension/launch.ts';
import { isRunFolder, runsOfEntry, runsOfStatusFiles } from '../../extension/runs/findRuns.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const script = join(folder, 'script.mjs');

test('a Node that is too old is named with what to do', async () => {
  for (const version of ['20.9.0', 'v20.20.2', '22.1.0', '100.0.0']) expect(nodeProblem(version, 'it')).toBeNull();
  for (const version of ['20.8.9', '18.20.0', 'v4.0.0']) expect(nodeProblem(version, 'the editor\'s own Node (Electron 30.0.0)')).toMatch(/^the editor's own Node \(Electron 30.0.0\) is Node [\d.]+, and SiamScope needs 20.9 or later: update the editor, or name a newer Node in the setting "siamscope.nodePath"$/);
  expect(nodeProblem('nonsense', 'it')).toContain('does not say');
  await checkNode(process.execPath);
  await expect(checkNode(join(folder, 'none'))).rejects.toThrow('cannot be run as Node');
});

test('output, lines and exit code come back; the editor\'s own variables do not go there', async () => {
  process.env.VSCODE_IPC_HOOK = 'secret';
  process.env.NODE_OPTIONS = '--no-deprecation';
  writeFileSync(script, 'console.log(JSON.stringify({ args: process.argv.slice(2), hook: process.env.VSCODE_IPC_HOOK, options: process.env.NODE_OPTIONS, electron: process.env.ELECTRON_RUN_AS_NODE })); console.error("progress"); process.exitCode = 3;');
  const lines: string[] = [];
  try {
    const { code, stdout, stderr } = await runProcess(launchOf(script, ''), ['a b', '$HOME; "'], { onLine: (line) => lines.push(line) });
    expect({ code, stderr }).toEqual({ code: 3, stderr: 'progress\n' });
    expect(JSON.parse(stdout)).toEqual({ args: ['a b', '$HOME; "'], electron: '1' });
    expect(lines).toContain('progress');
  } finally {
    delete process.env.VSCODE_IPC_HOOK;
    delete process.env.NODE_OPTIONS;
  }
});

test('a cancelled command is ended, and one that is not there is said', async () => {
  writeFileSync(script, 'console.log(process.pid); setInterval(() => {}, 1000);');
  const cancel = new AbortController();
  let pid = 0;
  const running = runProcess(launchOf(script, ''), [], { signal: cancel.signal, onLine: (line) => ((pid = Number(line)), cancel.abort()) });
  await expect(running).rejects.toThrow('cancelled');
  expect(isRunning(pid, null)).toBe(false);
  await expect(runProcess({ command: join(folder, 'none'), args: [], env: {} }, [])).rejects.toThrow('cannot be run');
});

test('runs are folders with a status and a configuration; a setting names one, or a folder of several', async () => {
  const make = (path: string, ...files: string[]): string => {
    mkdirSync(join(folder, path), { recursive: true });
    for (const file of files) writeFileSync(join(folder, path, file), '{}');
    return join(folder, path);
  };
  const [a, b] = [make('runs/a', 'status.json', 'config.json'), make('runs/b', 'status.json', 'config.json')];
  make('runs/c', 'status.json');
  make('runs/d');
  expect(await isRunFolder(a)).toBe(true);
  expect((await runsOfEntry('runs', folder)).sort()).toEqual([a, b]);
  expect(await runsOfEntry(a, null)).toEqual([a]);
  expect(await runsOfEntry('nowhere', folder)).toEqual([]);
  expect(await runsOfStatusFiles([join(a, 'status.json'), join(folder, 'runs/c/status.json'), join(a, 'status.json')])).toEqual([a]);
});
