/** Starts VS Code's server on the loopback address with a workspace, settings and an extension: one editor for one test file. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { installServer } from './install.ts';

export type Settings = Record<string, unknown>;

export interface ServerOptions {
  /** The folder to open. */
  workspace: string;
  /** An extension run from its folder. */
  extensionDevelopmentPath?: string;
  /** A CommonJS file whose run() the extension host calls. */
  extensionTestsPath?: string;
  /** A folder of installed extensions (`installExtension`), which servers may share; without one there are none. */
  extensions?: string;
  /** User settings, over those that keep the window quiet. */
  settings?: Settings;
  /** Whether folders start in Restricted Mode; otherwise all are trusted. */
  restricted?: boolean;
  /** More environment for the server and the extension hosts. */
  env?: Record<string, string>;
}

export interface Server {
  readonly url: string;
  readonly userData: string;
  /** Changes settings of open windows at once; workspace trust and telemetry need a reload. */
  setSettings(patch: Settings): void;
  /** Process ids of the extension hosts started so far, dead ones too, oldest first. */
  extensionHosts(): number[];
  /** What explains a failure: the server's output, the extension hosts' logs and the extension's own. */
  logs(): string;
  stop(): Promise<void>;
}

/** The same quiet window on every run. */
const quiet: Settings = {
  'workbench.startupEditor': 'none',
  'workbench.colorTheme': 'Default Dark Modern',
  'window.autoDetectColorScheme': false,
  'workbench.tips.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.reduceMotion': 'on',
  'chat.disableAIFeatures': true,
  'chat.commandCenter.enabled': false,
  'extensions.ignoreRecommendations': true,
  'extensions.autoCheckUpdates': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'git.openRepositoryInParentFolders': 'never',
  // Looking for ports launches processes of its own.
  'remote.autoForwardPorts': false,
  'editor.cursorBlinking': 'solid',
};

/** The environment without what a terminal inside VS Code sets, and what would change the server's address. */
function cleanEnvironment(extra: Record<string, string>): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of Object.keys(env)) if (/^(VSCODE_|CODE_SERVER_|ELECTRON_|VITEST)/.test(name) || ['PORT', 'PASSWORD', 'HASHED_PASSWORD', 'NODE_OPTIONS', 'NODE_ENV'].includes(name)) delete env[name];
  return { ...env, ...extra };
}

// Every end of the tests' process but SIGKILL ends the servers too.
const running = new Set<() => void>();
let endingIsWatched = false;
function endWithTests(): void {
  if (endingIsWatched) return;
  endingIsWatched = true;
  const stopAll = () => running.forEach((stop) => stop());
  process.once('exit', stopAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      stopAll();
      process.kill(process.pid, signal);
    });
}

/** Installs a packed extension into a folder of extensions. */
export async function installExtension(vsix: string, extensions: string): Promise<void> {
  const { node, entry } = await installServer(console.log);
  const userData = mkdtempSync(join(tmpdir(), 'siv-'));
  try {
    await promisify(execFile)(node, [realpathSync(entry), '--config', join(userData, 'config.yaml'), '--user-data-dir', userData, '--extensions-dir', extensions, '--install-extension', vsix], { env: cleanEnvironment({ EXTENSIONS_GALLERY: '{}' }), timeout: 120_000 });
  } catch (error) {
    throw new Error(`installing ${vsix} failed: ${(error as Error).message}`, { cause: error });
  } finally {
    rmSync(userData, { recursive: true, force: true });
  }
}

/** Resolves when the server answers. Throws with its output where it does not within a minute. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { node, entry } = await installServer(console.log);
  // Short: sockets go in here, and the path of one may have 107 characters.
  const folder = mkdtempSync(join(tmpdir(), 'siv-'));
  const userData = join(folder, 'data'), extensions = options.extensions ?? join(userData, 'extensions');
  for (const name of [join(userData, 'User'), join(userData, 'Machine'), extensions, join(folder, 'run')]) mkdirSync(name, { recursive: true });

  const write = (name: string, settings: Settings) => writeFileSync(join(userData, name, 'settings.json'), JSON.stringify(settings, null, 2));
  const settings: Settings = { ...quiet, 'security.workspace.trust.enabled': options.restricted === true, ...(options.restricted ? { 'security.workspace.trust.startupPrompt': 'never' } : {}), ...options.settings };
  write('User', settings);
  // An open window notices changes of the machine's settings, not of the user's.
  const live: Settings = {};
  const setSettings = (patch: Settings) => {
    write('User', Object.assign(settings, patch));
    write('Machine', Object.assign(live, patch));
  };

  // Without a gallery nothing asks the marketplace.
  const env = cleanEnvironment({ XDG_RUNTIME_DIR: join(folder, 'run'), EXTENSIONS_GALLERY: '{}', ...options.env });
  const common = [realpathSync(entry), '--config', join(folder, 'config.yaml'), '--user-data-dir', userData, '--extensions-dir', extensions];
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  let output = '';

  // A window that goes without a farewell leaves its extension host waiting: for seconds here, not for hours.
  const args = [...common, '--auth', 'none', '--bind-addr', '127.0.0.1:0', '--disable-telemetry', '--disable-update-check', '--reconnection-grace-time', '5'];
  // Its own process group, so that its end reaches extension hosts and watchers too.
  const child = spawn(node, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = new Promise<void>((done) => child.once('exit', () => done()).once('error', () => done()));
  const killGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  const stopNow = () => {
    killGroup();
    removeFolder();
  };
  running.add(stopNow);
  endWithTests();
  const stop = async () => {
    if (!running.delete(stopNow)) return;
    // It keeps nothing that a test looks at, and asked politely it takes two seconds.
    killGroup();
    await exited;
    removeFolder();
  };

  try {
    const deadline = Date.now() + 60_000;
    let origin: string | undefined;
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`VS Code's server ended early (${child.exitCode ?? child.signalCode})`);
      if (Date.now() > deadline) throw new Error('VS Code\'s server did not answer within a minute');
      origin ??= /HTTP server listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1];
      // The first page loads the server's main part.
      if (origin && (await fetch(`${origin}/?folder=/`, { signal: AbortSignal.timeout(30_000) }).then((response) => response.ok, () => false))) break;
      await sleep(50);
    }
    const remote = (path: string) => `vscode-remote://${new URL(origin).host}${encodeURI(realpathSync(path))}`;
    const payload = [
      ...(options.extensionDevelopmentPath ? [['extensionDevelopmentPath', remote(options.extensionDevelopmentPath)]] : []),
      ...(options.extensionTestsPath ? [['extensionTestsPath', remote(options.extensionTestsPath)]] : []),
    ];
    const query = new URLSearchParams({ folder: realpathSync(options.workspace), ...(payload.length ? { payload: JSON.stringify(payload) } : {}) });
    const logFiles = () => {
      const logs = join(userData, 'logs');
      return existsSync(logs) ? readdirSync(logs, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.log')).sort().map((file) => join(logs, file)) : [];
    };
    return {
      url: `${origin}/?${query.toString()}`,
      userData,
      setSettings,
      extensionHosts: () => [...output.matchAll(/<(\d+)> Launched Extension Host Process/g)].map((match) => Number(match[1])),
      logs: () => [`--- server\n${output}`, ...logFiles().filter((file) => /remoteexthost\.log$|siamscope/i.test(file)).map((file) => `--- ${file}\n${readFileSync(file, 'utf8')}`)].join('\n'),
      stop,
    };
  } catch (error) {
    await stop();
    throw new Error(`${(error as Error).message}\n${output}`, { cause: error });
  }
}
