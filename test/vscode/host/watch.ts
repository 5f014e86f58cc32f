/** Watches what the extension launches and connects to, from inside its process. */
import childProcess from 'node:child_process';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { extension } from './activation.ts';

/**
 * Records each process and each connection that this process begins with code of the extension among the callers: the editor looks
 * for ports and files by processes of its own.
 */
export function watch(): { launched: string[]; connected: string[]; others: () => number; end: () => void } {
  const launched: string[] = [], connected: string[] = [];
  let others = 0;
  const bundle = join(extension().extensionPath, 'dist');
  const record = (list: string[], what: string): void => {
    if (new Error().stack!.includes(bundle)) list.push(what);
    else others++;
  };
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 200;
  const undo: (() => void)[] = [() => (Error.stackTraceLimit = stackTraceLimit)];
  const replace = <T extends object, K extends keyof T>(object: T, key: K, wrapper: (original: T[K]) => T[K]) => {
    const original = object[key];
    object[key] = wrapper(original);
    undo.push(() => (object[key] = original));
  };
  // Every asynchronous way ends in ChildProcess.spawn; the synchronous ones do not.
  const { prototype } = (childProcess as unknown as { ChildProcess: { prototype: { spawn: (options: { file: string; args?: string[] }) => unknown } } }).ChildProcess;
  replace(prototype, 'spawn', (original) => function (this: unknown, options) {
    record(launched, [options.file, ...(options.args ?? []).slice(1)].join(' '));
    return original.call(this as never, options);
  });
  for (const name of ['spawnSync', 'execFileSync', 'execSync'] as const)
    replace(childProcess as unknown as Record<string, (...args: unknown[]) => unknown>, name, (original) => (...args) => {
      record(launched, `${name} ${String(args[0])}`);
      return original(...args);
    });
  replace(Socket.prototype as unknown as Record<string, (...args: unknown[]) => unknown>, 'connect', (original) => function (this: unknown, ...args) {
    record(connected, JSON.stringify(args[0]));
    return original.apply(this, args);
  });
  replace(globalThis as unknown as Record<string, (...args: unknown[]) => unknown>, 'fetch', (original) => (...args) => {
    record(connected, `fetch ${String(args[0])}`);
    return original(...args);
  });
  return { launched, connected, others: () => others, end: () => undo.forEach((restore) => restore()) };
}
