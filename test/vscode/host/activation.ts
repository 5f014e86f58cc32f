/** The extension activates quickly, and offers what its manifest says. */
import { strict as assert } from 'node:assert';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';

export const extension = (): vscode.Extension<{ activationMilliseconds?: number }> => vscode.extensions.getExtension('siamscope.siamscope')!;

export interface Manifest {
  contributes: { commands: { command: string; title: string }[]; views?: Record<string, { id: string; name: string }[]> };
}

export function activation(): void {
  describe('activation', () => {
    it('takes less than 100 ms, loading included', async () => {
      assert.equal(extension().isActive, false, 'nothing in this workspace asks for the extension, so it is not active yet');
      const begun = performance.now();
      const api = await extension().activate();
      const milliseconds = performance.now() - begun;
      console.log(`activation: ${milliseconds.toFixed(1)} ms, of which activate() ${api?.activationMilliseconds?.toFixed(1) ?? '?'} ms (VS Code ${vscode.version}, Node ${process.versions.node})`);
      assert.ok(milliseconds < 100, `${milliseconds} ms`);
    });

    it('registers each command of the manifest', async () => {
      const manifest = extension().packageJSON as Manifest;
      const known = await vscode.commands.getCommands(true);
      const missing = manifest.contributes.commands.map(({ command }) => command).filter((command) => !known.includes(command));
      assert.deepEqual(missing, []);
    });
  });
}
