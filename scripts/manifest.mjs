// Writes the settings' table (extension/settings.ts) into package.json and package.nls.json, and every text of the extension's code into
// l10n/bundle.l10n.json for translators. `--check` only says what differs.
import { build } from 'esbuild';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { outputFiles } = await build({ entryPoints: [join(root, 'extension/settings.ts')], bundle: true, write: false, format: 'esm' });
const { configurationManifest } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
const { configuration, restricted, texts } = configurationManifest();

const file = join(root, 'package.json');
const manifest = JSON.parse(readFileSync(file, 'utf8'));
manifest.contributes.configuration = configuration;
manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = restricted;

const textFile = join(root, 'package.nls.json');
const before = JSON.parse(readFileSync(textFile, 'utf8'));
const allTexts = { ...Object.fromEntries(Object.entries(before).filter(([key]) => !key.startsWith('settings.'))), ...texts };

// Texts are written as literals in calls of t(...), so that they can be found.
const literal = /\bt\(\s*'((?:[^'\\]|\\.)*)'/g;
const sources = readdirSync(join(root, 'extension'), { recursive: true }).filter((name) => name.endsWith('.ts')).sort();
const found = sources.flatMap((name) => [...readFileSync(join(root, 'extension', name), 'utf8').matchAll(literal)].map(([, text]) => text.replace(/\\(['\\])/g, '$1').replaceAll('\\n', '\n')));
const bundle = Object.fromEntries([...new Set(found)].sort().map((text) => [text, text]));

let differs = false;
for (const [path, value] of [[file, manifest], [textFile, allTexts], [join(root, 'l10n/bundle.l10n.json'), bundle]]) {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  let old = '';
  try {
    old = readFileSync(path, 'utf8');
  } catch {
    // Not written yet.
  }
  if (old === text) continue;
  differs = true;
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  console.log(`${path} ${process.argv.includes('--check') ? 'differs: run "node scripts/manifest.mjs"' : 'is written'}`);
}
if (differs && process.argv.includes('--check')) process.exit(1);
