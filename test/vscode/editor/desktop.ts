/** The desktop's VS Code, downloaded by @vscode/test-electron where its update service can be reached and windows can be opened. */
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const version = '1.100.3';
const updateService = 'https://update.code.visualstudio.com/api/releases/stable';
const cache = join(import.meta.dirname, '../../../.cache/vscode/desktop');

/** Downloads it at need. SIAMSCOPE_VSCODE=server asks for the server instead, SIAMSCOPE_VSCODE=desktop refuses to go without the desktop. */
export async function desktopEditor(): Promise<{ executable: string; reason: null } | { executable: null; reason: string }> {
  const wish = process.env.SIAMSCOPE_VSCODE;
  if (wish === 'server') return { executable: null, reason: 'SIAMSCOPE_VSCODE=server' };
  const unavailable = async (): Promise<string | null> => {
    if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return 'there is no display for the desktop (xvfb-run gives one)';
    return fetch(updateService, { signal: AbortSignal.timeout(10_000) }).then(
      (response) => (response.ok ? null : `VS Code's update service answers ${response.status}`),
      (error: Error) => `VS Code's update service cannot be reached (${(error.cause as Error | undefined)?.message ?? error.message})`,
    );
  };
  try {
    const reason = await unavailable();
    if (reason === null) return { executable: await downloadAndUnzipVSCode({ version, cachePath: cache }), reason: null };
    if (wish === 'desktop') throw new Error(`SIAMSCOPE_VSCODE=desktop, but ${reason}`);
    return { executable: null, reason };
  } catch (error) {
    if (wish === 'desktop') throw error;
    return { executable: null, reason: `VS Code could not be downloaded (${(error as Error).message})` };
  }
}

/** Runs a bundle of tests in the desktop's extension host; returns its exit code. */
export async function runInDesktop(executable: string, options: { extension: string; tests: string; workspace: string; restricted: boolean; env: Record<string, string> }): Promise<number> {
  // Short: its sockets lie in here.
  const userData = mkdtempSync(join(tmpdir(), 'siv-'));
  try {
    return await runTests({
      vscodeExecutablePath: executable, extensionDevelopmentPath: options.extension, extensionTestsPath: options.tests, extensionTestsEnv: options.env,
      launchArgs: [options.workspace, '--user-data-dir', userData, '--disable-extensions', ...(options.restricted ? [] : ['--disable-workspace-trust'])],
    });
  } finally {
    rmSync(userData, { recursive: true, force: true, maxRetries: 5 });
  }
}
