/** package.json and what it names: settings and texts as the code has them, every command registered, every clause about something that is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandIds } from '../../extension/commands/ids.ts';
import { configurationManifest, settings } from '../../extension/settings.ts';
import { contextValues } from '../../extension/views/contextKeys.ts';
import { runRow } from '../../extension/views/runItem.ts';
import { untranslated as t } from '../../extension/translate.ts';
import { shownRun } from './shownRun.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const manifest = read('package.json'), texts = read('package.nls.json') as Record<string, string>;
const { contributes, capabilities } = manifest;
const menuItems: { command: string; when?: string }[] = Object.values(contributes.menus as object).flat();

describe('settings', () => {
  test('package.json has them as the table says: else run "node scripts/manifest.mjs"', () => {
    const { configuration, restricted, texts: own } = configurationManifest();
    expect(contributes.configuration).toEqual(configuration);
    expect(capabilities.untrustedWorkspaces).toMatchObject({ supported: 'limited', restrictedConfigurations: restricted });
    expect(texts).toMatchObject(own);
  });

  test('what is executed has machine scope, and is restricted like all that decides what runs', () => {
    for (const name of ['nodePath', 'torchPath'] as const) expect(settings[name]).toMatchObject({ scope: 'machine', restricted: true });
    for (const { scope, restricted } of Object.values(settings)) if (scope !== 'resource') expect(restricted).toBe(true);
  });
});

test('every text that package.json names is there, and none besides', () => {
  const named = [...JSON.stringify(manifest).matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key!);
  expect([...new Set(named)].sort()).toEqual(Object.keys(texts).sort());
  for (const text of Object.values(texts)) expect(text.trim()).not.toBe('');
});

test('the texts of the code are in the bundle for translators: else run "node scripts/manifest.mjs"', () => {
  const bundle = Object.keys(read('l10n/bundle.l10n.json'));
  const sources = readdirSync(join(root, 'extension'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => readFileSync(join(root, 'extension', name), 'utf8')).join('\n');
  const found = [...sources.matchAll(/\bt\(\s*'((?:[^'\\]|\\.)*)'/g)].map(([, text]) => text!.replace(/\\(['\\])/g, '$1').replaceAll('\\n', '\n'));
  expect([...new Set(found)].sort()).toEqual(bundle.sort());
  // Texts in other quotes would be missed.
  expect(sources).not.toMatch(/\bt\(\s*["`]/);
});

describe('commands', () => {
  test('package.json has those that the code registers', () => {
    expect((contributes.commands as { command: string }[]).map(({ command }) => command).sort()).toEqual([...commandIds].sort());
  });

  test('menus, keys, views and tours name commands that are there', () => {
    const named = [...JSON.stringify([menuItems.map(({ command }) => command), contributes.keybindings, contributes.walkthroughs, texts]).matchAll(/siamscope\.[a-z][A-Za-z]+(?=["\])])/g)].map(([id]) => id).filter((id) => !/^siamscope\.(runs|checkpoints|engines|start)$/.test(id));
    for (const id of named) expect(commandIds).toContain(id);
    expect(named.length).toBeGreaterThan(40);
  });

  test('those that need a row are not in the palette; the others are there only where they apply', () => {
    const palette = new Map((contributes.menus.commandPalette as { command: string; when: string }[]).map(({ command, when }) => [command, when]));
    for (const id of ['newRunHere', 'revealCheckpoint', 'copyCheckpointPath', 'exportCheckpoint', 'evaluateCheckpoint', 'openEvaluation']) expect(palette.get(`siamscope.${id}`)).toBe('false');
    expect(commandIds.filter((id) => !palette.has(id))).toEqual(['siamscope.watchFolder', 'siamscope.showOutput']);
  });

  test('what launches something needs a trusted workspace', () => {
    const enablement = new Map((contributes.commands as { command: string; enablement?: string }[]).map((command) => [command.command, command.enablement]));
    for (const id of ['newRun', 'newRunHere', 'startRun', 'resumeRun', 'stopRun', 'startNow', 'saveRun', 'exportCheckpoint', 'evaluateCheckpoint', 'runStudy', 'stopStudy', 'installEngine', 'selectEngine', 'refresh']) expect(enablement.get(`siamscope.${id}`)).toContain('isWorkspaceTrusted');
  });
});

describe('clauses', () => {
  const clauses = JSON.stringify([contributes.menus, contributes.viewsWelcome, contributes.keybindings, contributes.commands]);

  test('name context keys that are kept, and views that are there', () => {
    const kept = Object.keys(contextValues([], { looked: true, noEngines: false }));
    const views = (contributes.views.siamscope as { id: string }[]).map(({ id }) => id);
    const keys = [...clauses.matchAll(/siamscope\.has[A-Za-z]+/g)].map(([key]) => key);
    expect(keys.length).toBeGreaterThan(8);
    for (const key of keys) expect(kept).toContain(key);
    for (const [, view] of clauses.matchAll(/view == ([\w.]+)/g)) expect(views).toContain(view);
    for (const { view } of contributes.viewsWelcome as { view: string }[]) expect(views).toContain(view);
  });

  test('a run\'s row gets the menu of its state', () => {
    const shown = (state: Parameters<typeof shownRun>[0]): string[] => {
      const { contextValue } = runRow(shownRun(state), t);
      return [...new Set(menuItems.filter(({ when }) => when?.startsWith('view == siamscope.runs && viewItem') && !when.includes('&& listMultiSelection') && new RegExp(/viewItem =~ \/(.*?)\/(?: |$)/.exec(when)![1]!).test(contextValue)).map(({ command }) => command.replace('siamscope.', '')))].sort();
    };
    const always = ['correspond', 'openCurves', 'revealRun', 'showLog'];
    expect(shown('running')).toEqual([...always, 'saveRun', 'stopRun'].sort());
    expect(shown('queued')).toEqual([...always, 'startNow', 'stopRun'].sort());
    expect(shown('stopping')).toEqual(always);
    expect(shown('lost')).toEqual([...always, 'deleteRun', 'resumeRun'].sort());
    expect(shown('failed')).toEqual([...always, 'deleteRun', 'resumeRun'].sort());
  });
});

test('files that package.json names are there', () => {
  for (const [, path] of JSON.stringify(contributes).matchAll(/"(media\/[^"]+)"/g)) expect(existsSync(join(root, path!)), path).toBe(true);
  expect(existsSync(join(root, manifest.icon as string))).toBe(true);
});

test('activation waits for a view, a run file or a panel, never for the window', () => {
  expect(manifest.activationEvents).toEqual(['workspaceContains:**/*.siam.json', 'workspaceContains:**/*.study.json', 'onWebviewPanel:siamscope.curves', 'onWebviewPanel:siamscope.augmentation', 'onWebviewPanel:siamscope.correspondence', 'onWebviewPanel:siamscope.study']);
  expect(manifest.extensionKind).toEqual(['workspace']);
});
