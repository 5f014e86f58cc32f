/** Before the tests in a real VS Code: the extension packed, the tests for inside the extension host bundled, and an editor to run them in. */
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { noBrowser } from '../helpers/browser.ts';
import { desktopEditor } from './editor/desktop.ts';
import { installServer, noServer } from './editor/install.ts';
import { installExtension } from './editor/server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The packed extension. */
    vsix: string;
    /** The folder that was packed. */
    extension: string;
    /** The bundle that the extension host runs. */
    hostTests: string;
    /** The desktop's executable, where it could be had. */
    desktop: string | null;
    /** Where the packed extension is installed, for every window of the web workbench. */
    extensions: string;
    /** Why no window of the web workbench can be opened; null where one can. */
    noWorkbench: string | null;
  }
}

const root = join(import.meta.dirname, '../..');

export default async function setup(project: TestProject): Promise<() => void> {
  // Sockets and the queue for devices: no run of this machine waits for the tests', nor they for it.
  const runtime = mkdtempSync(join(tmpdir(), 'siv-'));
  process.env.SIAMSCOPE_RUNTIME_DIR = runtime;

  const { status } = spawnSync(process.execPath, [join(root, 'scripts/package.mjs')], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the extension could not be packed');
  const platform = `${process.platform}-${process.arch}`;
  const vsix = join(root, 'dist-vsix', readdirSync(join(root, 'dist-vsix')).find((name) => name.startsWith(`siamscope-${platform}-`))!);
  project.provide('vsix', vsix);

  // What was packed is what is tested, and later builds do not change it. The bundle lies inside, so that the editor knows whose code it is.
  const extension = join(root, '.cache/package', platform);
  const hostTests = join(extension, 'test/hostTests.cjs');
  await build({ entryPoints: [join(root, 'test/vscode/host/main.ts')], outfile: hostTests, bundle: true, platform: 'node', format: 'cjs', target: 'node20', sourcemap: 'inline', external: ['vscode', 'mocha'], logLevel: 'warning' });
  project.provide('extension', extension);
  project.provide('hostTests', hostTests);
  const extensions = join(runtime, 'extensions');
  project.provide('extensions', extensions);
  const teardown = () => rmSync(runtime, { recursive: true, force: true });

  if (process.env.SIAMSCOPE_VSCODE === 'none') {
    project.provide('desktop', null);
    project.provide('noWorkbench', 'SIAMSCOPE_VSCODE=none');
    return teardown;
  }
  const desktop = await desktopEditor();
  console.log(desktop.executable ? `extension-host tests run in the desktop's VS Code: ${desktop.executable}` : `extension-host tests run in VS Code's server: ${desktop.reason}`);
  project.provide('desktop', desktop.executable);
  const noWorkbench = noServer() ?? noBrowser;
  console.log(noWorkbench ? `no tests in the workbench: ${noWorkbench}` : 'tests in the workbench run in Chromium on VS Code\'s server');
  if (!noWorkbench) {
    await installServer(console.log);
    await installExtension(vsix, extensions);
  }
  project.provide('noWorkbench', noWorkbench);
  return teardown;
}
