/** The tests inside the extension host, trusted and not. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { temporaryFolder } from '../helpers/temporary.ts';
import { runHostTests } from './editor/extensionHost.ts';
import { closeBrowserAfterTests } from './editor/workbench.ts';
import { temporaryWorkspace } from './editor/workspace.ts';

const folder = temporaryFolder();
const workspace = temporaryWorkspace();
closeBrowserAfterTests();

describe.skipIf(inject('noWorkbench') && !inject('desktop'))('in the extension host', () => {
  it('activates quickly and serves run files', async () => {
    // A new one for each try: what a try leaves would activate the extension as the next one opens.
    const workspace = mkdtempSync(join(folder, 'trusted-'));
    cpSync(join(import.meta.dirname, '../fixtures/photos'), join(workspace, 'photos'), { recursive: true });
    await runHostTests('trusted', workspace);
  });

  it('attaches to a run that goes on, and queues another one', async () => {
    await workspace.start('first', 100_000);
    workspace.writeRunFile('second', 3);
    await runHostTests('runs', workspace.folder);
    expect(workspace.run('second').rows()).toHaveLength(3);
  });

  it('launches nothing in an untrusted workspace', async () => {
    const workspace = join(folder, 'untrusted');
    mkdirSync(join(workspace, '.vscode'), { recursive: true });
    cpSync(join(import.meta.dirname, '../fixtures/photos'), join(workspace, 'photos'), { recursive: true });
    // Whatever starts this says so by a file.
    const trap = join(workspace, 'trap.sh');
    writeFileSync(trap, `#!/bin/sh\ntouch "${join(workspace, 'trapped')}"\n`);
    chmodSync(trap, 0o755);
    writeFileSync(join(workspace, '.vscode/settings.json'), JSON.stringify({ 'siamscope.nodePath': trap, 'siamscope.torchPath': trap, 'siamscope.engine': 'torch', 'siamscope.runFolders': ['/'] }));
    writeFileSync(join(workspace, 'trap.siam.json'), JSON.stringify({ preset: 'tiny', data: { train: 'photos' } }));
    mkdirSync(join(workspace, 'runs/old'), { recursive: true });
    writeFileSync(join(workspace, 'runs/old/config.json'), '{}');
    await runHostTests('untrusted', workspace, { restricted: true });
  });
});
