/** Run files in the editor: completion, documentation and diagnostics from the one schema. */
import { strict as assert } from 'node:assert';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { until } from './until.ts';

/** Writes a run file into the workspace and opens it; the bar in the text is where the cursor stands, and is left out. */
async function open(name: string, text: string): Promise<{ document: vscode.TextDocument; at: vscode.Position }> {
  const uri = vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, name);
  await vscode.workspace.fs.writeFile(uri, Buffer.from(text.replace('|', '')));
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document);
  return { document, at: document.positionAt(Math.max(0, text.indexOf('|'))) };
}

const completions = async (document: vscode.TextDocument, at: vscode.Position): Promise<string[]> => {
  const list = await vscode.commands.executeCommand<vscode.CompletionList>('vscode.executeCompletionItemProvider', document.uri, at);
  return list.items.map(({ label }) => (typeof label === 'string' ? label : label.label).replaceAll('"', ''));
};

const hover = async (document: vscode.TextDocument, at: vscode.Position): Promise<string> => {
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, at);
  return hovers.flatMap(({ contents }) => contents.map((content) => (typeof content === 'string' ? content : content.value))).join('\n');
};

export function runFiles(): void {
  describe('run files', () => {
    it('complete keys', async () => {
      const { document, at } = await open('keys.siam.json', '{\n  "|"\n}\n');
      const keys = await until('completions', async () => {
        const found = await completions(document, at);
        return found.includes('data') && found;
      });
      for (const key of ['preset', 'model', 'method', 'optimizer', 'schedule', 'batch']) assert.ok(keys.includes(key), `${key} in ${keys.join(', ')}`);
    });

    it('complete values', async () => {
      const { document, at } = await open('values.siam.json', '{\n  "data": { "train": "photos" },\n  "method": { "name": "|" }\n}\n');
      const names = await until('completions', async () => {
        const found = await completions(document, at);
        return found.includes('siamese') && found;
      });
      assert.ok(names.includes('mae'), names.join(', '));
    });

    it('document keys', async () => {
      const { document, at } = await open('hover.siam.json', '{\n  "data": { "train": "photos" },\n  "schedule": { "warmup|Steps": 3 }\n}\n');
      const text = await until('documentation', async () => (await hover(document, at)) || undefined);
      assert.ok(text.length > 10, text);
      console.log(`      ${text.replaceAll(/\s+/g, ' ').slice(0, 160)}`);
    });

    it('say what is wrong, where it is', async () => {
      const { document } = await open('wrong.siam.json', '{ "preset": "tiny", "name": "wrong",\n  "data": { "train": "photos" },\n  "bacth": {},\n  "batch": { "size": "many" }\n}\n');
      const problems = await until('diagnostics', () => {
        const found = vscode.languages.getDiagnostics(document.uri);
        return found.some(({ range }) => range.start.line === 2) && found.some(({ range }) => range.start.line === 3) && found;
      });
      const lines = problems.map(({ range, message }) => `${range.start.line}: ${message}`);
      assert.ok(lines.some((line) => /^2: .*bacth/s.test(line)), lines.join('\n'));
      assert.ok(!lines.some((line) => /^[014]:/.test(line)), lines.join('\n'));
    });

    it('say what is wrong with a study, in the row that has it', async () => {
      const { document } = await open('wrong.study.json', '{ "name": "wrong", "run": { "data": { "train": "photos" } }, "rows": [\n  { "id": "a", "name": "A", "preset": "tiny" },\n  { "id": "b", "name": "B", "preset": "tiny",\n    "run": { "model": { "patchSize": 7 } } }\n] }\n');
      const problems = await until('diagnostics', () => {
        const found = vscode.languages.getDiagnostics(document.uri);
        return found.length > 0 && found;
      });
      assert.deepEqual(problems.map(({ range, message }) => [range.start.line, message.includes('not a multiple of model.patchSize 7')]), [[3, true]]);
    });

    it('find nothing wrong in a good one', async () => {
      const { document } = await open('good.siam.json', '{\n  "preset": "tiny",\n  "name": "good",\n  "data": { "train": "photos" }\n}\n');
      // The same servers that found the mistakes above have seen this file once they answer for it.
      await until('documentation', async () => (await hover(document, new vscode.Position(1, 5))) || undefined);
      assert.deepEqual(vscode.languages.getDiagnostics(document.uri).map(({ message }) => message), []);
    });
  });
}
