/** An untrusted workspace: every command is called, and nothing is launched, fetched or taken from the workspace's settings. */
import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { extension, type Manifest } from './activation.ts';
import { watch } from './watch.ts';

export function untrusted(): void {
  describe('an untrusted workspace', () => {
    const folder = vscode.workspace.workspaceFolders![0]!.uri;

    it('is one', () => assert.equal(vscode.workspace.isTrusted, false));

    it('launches nothing and fetches nothing, whatever command is called, with or without a file', async function () {
      this.timeout(90_000);
      await extension().activate();
      const { commands } = (extension().packageJSON as Manifest).contributes;
      assert.ok(commands.length > 0);
      const runFile = vscode.Uri.joinPath(folder, 'trap.siam.json'), run = vscode.Uri.joinPath(folder, 'runs/old');
      await vscode.window.showTextDocument(runFile);
      const tasks: string[] = [];
      const subscription = vscode.tasks.onDidStartTask(({ execution }) => tasks.push(execution.task.name));
      const watched = watch();
      try {
        for (const { command } of commands)
          for (const args of [[], [runFile], [run], [{ folder: run.fsPath }], [run.fsPath]]) {
            // A command may ask a question; nobody answers, and closing it is an answer too.
            const ended = Promise.resolve(vscode.commands.executeCommand(command, ...args)).then(() => undefined, () => undefined);
            await Promise.race([ended, new Promise((done) => setTimeout(done, 150))]);
            await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
          }
        // CodeLenses look at the workspace by themselves.
        await vscode.commands.executeCommand('vscode.executeCodeLensProvider', runFile, 10);
        await new Promise((done) => setTimeout(done, 1000));
      } finally {
        watched.end();
        subscription.dispose();
      }
      console.log(`      ${commands.length} commands called 5 times each: ${watched.launched.length} processes, ${watched.connected.length} connections (and ${watched.others()} of the editor's own)`);
      assert.deepEqual({ launched: watched.launched, connected: watched.connected, tasks, terminals: vscode.window.terminals.map(({ name }) => name) }, { launched: [], connected: [], tasks: [], terminals: [] });
    });

    it('takes no executable from the workspace\'s settings', () => {
      const settings = (extension().packageJSON as { contributes: { configuration?: { properties: Record<string, { scope?: string }> } | { properties: Record<string, { scope?: string }> }[] } }).contributes.configuration ?? [];
      const properties = Object.assign({}, ...[settings].flat().map((part) => part.properties)) as Record<string, { scope?: string }>;
      for (const [name, { scope }] of Object.entries(properties)) if (/path/i.test(name)) assert.equal(scope, 'machine', `${name} may be set by a workspace`);
      for (const name of ['siamscope.nodePath', 'siamscope.torchPath'])
        if (name in properties) assert.notEqual(vscode.workspace.getConfiguration('siamscope', folder).get(name.replace('siamscope.', '')), join(folder.fsPath, 'trap.sh'), `${name} comes from the workspace`);
    });

    it('left no trace of the trap that its settings name', () => {
      assert.equal(existsSync(join(folder.fsPath, 'trapped')), false);
    });
  });
}
