/** Runs the backend's command as a process: which Node runs it, what it is given of the environment, and what it prints. */
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { RunError } from '../backend/errors.ts';

export interface Launch {
  command: string;
  args: string[];
  /** Laid over this process's own environment. */
  env: Record<string, string>;
}

export interface LaunchOptions {
  /** A line of standard output or standard error, as it comes. */
  onLine?: (line: string) => void;
  /** Ends the process. */
  signal?: AbortSignal;
  cwd?: string;
}

/** As package.json's `engines` has it. */
const leastNode = [20, 9] as const;
const versionMilliseconds = 10_000;
const outputBytes = 64 * 2 ** 20;
const killMilliseconds = 5000;

/** Why this version of Node cannot run the backend; null: it can. */
export function nodeProblem(version: string, whose: string): string | null {
  const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(version) ?? [];
  if (major === undefined) return `${whose} does not say which version of Node it is`;
  const [a, b] = [Number(major), Number(minor)];
  if (a > leastNode[0] || (a === leastNode[0] && b >= leastNode[1])) return null;
  return `${whose} is Node ${version.replace(/^v/, '')}, and SiamScope needs ${leastNode.join('.')} or later: update the editor, or name a newer Node in the setting "siamscope.nodePath"`;
}

/** The command that runs `script`. `nodePath`: another Node than the editor's own, or ''. Throws RunError where the editor's own cannot run it. */
export function launchOf(script: string, nodePath: string): Launch {
  const own = process.versions.electron === undefined ? 'the editor\'s own Node' : `the editor's own Node (Electron ${process.versions.electron})`;
  const problem = nodePath === '' ? nodeProblem(process.versions.node, own) : null;
  if (problem !== null) throw new RunError(problem);
  // Electron is Node only where this is said; others do not look at it.
  return { command: nodePath === '' ? process.execPath : nodePath, args: [script], env: { ELECTRON_RUN_AS_NODE: '1' } };
}

const checked = new Set<string>();

/** Rejects with RunError where the program is no Node, or one that cannot run the backend. It is asked once. */
export async function checkNode(nodePath: string): Promise<void> {
  if (nodePath === '' || checked.has(nodePath)) return;
  const problem = await foreignProblem(nodePath);
  if (problem !== null) throw new RunError(problem);
  checked.add(nodePath);
}

async function foreignProblem(nodePath: string): Promise<string | null> {
  const whose = `${nodePath} (setting "siamscope.nodePath")`;
  try {
    const { stdout } = await promisify(execFile)(nodePath, ['-p', 'process.versions.node'], { timeout: versionMilliseconds, windowsHide: true, env: environment({ ELECTRON_RUN_AS_NODE: '1' }) });
    return nodeProblem(stdout.trim(), whose);
  } catch (error) {
    return `${whose} cannot be run as Node: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** The editor's environment without what is meant for its own processes: a run outlives them. */
export function environment(added: Record<string, string>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('VSCODE_') && name !== 'NODE_OPTIONS');
  return { ...Object.fromEntries(own), ...added };
}

/** Runs the command to its end. Rejects where it cannot be launched, prints without end, or was ended by the signal. */
export function runProcess({ command, args, env }: Launch, more: readonly string[], { onLine, signal, cwd }: LaunchOptions = {}): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new RunError('cancelled'));
    const child = spawn(command, [...args, ...more], { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, env: environment(env), cwd });
    const end = (): void => {
      child.kill();
      setTimeout(() => child.kill('SIGKILL'), killMilliseconds).unref();
    };
    signal?.addEventListener('abort', end, { once: true });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text;
        if (texts[name].length > outputBytes) end();
      });
      if (onLine) createInterface({ input: child[name] }).on('line', onLine);
    }
    child.once('error', (error) => reject(new RunError(`${command} cannot be run: ${error.message}`, { cause: error })));
    child.once('close', (code) => {
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(new RunError('cancelled'));
      else resolve({ code, ...texts });
    });
  });
}
