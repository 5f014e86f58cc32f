/** Runs the bundle of extension-host tests in the editor that this machine has, and shows what they print. */
import { format } from 'node:util';
import { inject } from 'vitest';
import { runInDesktop } from './desktop.ts';
import { startServer } from './server.ts';
import { testBrowser } from './workbench.ts';

/** What the workbench itself prints to the same console. */
const noise = /^(Resolv|Creating a socket|Creation of workbench|Ignoring fetching|Updating additional|\[(reconnection|lifecycle|Service Worker|AgentHost|RemoteAgentHost|AccountPolicy))|workbench\/workbench\.js:\d|Canceled|^MCP migration|^ChatSessionStore/;

/** Runs one suite; throws where a test fails, with the editor's logs. */
export async function runHostTests(suite: string, workspace: string, options: { restricted?: boolean; env?: Record<string, string> } = {}): Promise<void> {
  const env = { ...options.env, SIAMSCOPE_HOST_SUITE: suite };
  const desktop = inject('desktop');
  if (desktop) {
    const code = await runInDesktop(desktop, { extension: inject('extension'), tests: inject('hostTests'), workspace, restricted: options.restricted === true, env });
    if (code !== 0) throw new Error(`the extension-host tests "${suite}" ended with code ${code}`);
    return;
  }
  const server = await startServer({ workspace, extensionDevelopmentPath: inject('extension'), extensionTestsPath: inject('hostTests'), restricted: options.restricted, env });
  const page = await (await testBrowser()).newPage({ viewport: { width: 1280, height: 800 } });
  const lines: string[] = [];
  try {
    // VS Code calls these two functions of its page, where they exist: for each line of the host's console, and with the exit code.
    const exitCode = new Promise<number>((done) => void page.exposeFunction('codeAutomationExit', done));
    await page.exposeFunction('codeAutomationLog', (_type: string, parts: unknown[]) => {
      const line = format(...parts);
      if (noise.test(line)) return;
      lines.push(line);
      console.log(line);
    });
    await page.goto(server.url, { timeout: 60_000 });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`the extension-host tests "${suite}" gave no result in 150 s`)), 150_000)));
    const code = await Promise.race([exitCode, late]).finally(() => clearTimeout(timer));
    if (code !== 0) throw new Error(`extension-host tests "${suite}" failed:\n${lines.filter((line) => !/✔/.test(line)).join('\n')}`);
  } catch (error) {
    console.log(server.logs());
    throw error;
  } finally {
    await page.close();
    await server.stop();
  }
}
