// Packs the extension for this machine's platform into dist-vsix/: bundles, media and the native parts of this one platform; no engine,
// no sources, no source maps. `npm run package` builds first; node scripts/package.mjs packs what dist/ holds.
import { createVSIX } from '@vscode/vsce';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const sizeLimit = 25e6;
const targets = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64'];
const target = `${process.platform}-${process.arch}`;
if (!targets.includes(target)) {
  console.error(`no package is made for ${target}: run this on one of ${targets.join(', ')}`);
  process.exit(1);
}
// On Linux these are for glibc; an editor on Alpine would need a target of its own.
if (process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime) {
  console.error('this system has no glibc, and the packages for Linux need it');
  process.exit(1);
}

/** What the bundles load from node_modules, as scripts/build.mjs leaves it outside. */
const nativePackages = ['koffi', 'sharp', '@julusian/jpeg-turbo'];
/** Needed to compile them or to check them on a command line, never to load them. */
const buildTools = ['cmake-js', 'node-addon-api', 'yargs'];

const packageJson = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** The packages with everything that they load, as far as npm installed it for this platform. */
function withDependencies(names, found = new Set()) {
  for (const name of names) {
    const folder = join(root, 'node_modules', name);
    if (found.has(name) || buildTools.includes(name) || !existsSync(folder)) continue;
    found.add(name);
    const { dependencies = {}, optionalDependencies = {} } = packageJson(folder);
    withDependencies([...Object.keys(dependencies), ...Object.keys(optionalDependencies)], found);
  }
  return [...found];
}

const loaded = /\.(c?js|mjs|json|node|dll|dylib|wasm)$|\.so(\.[\d.]+)?$|^(licen[cs]e|notice|third-party)/i;
const unloaded = /(^|\/)(node_modules|vendor|doc|docs|test|\.github)(\/|$)|\/musl_[^/]+$/;

/** Copies what is loaded of a package, and its licence. */
function copyPackage(name, into) {
  const from = join(root, 'node_modules', name);
  cpSync(from, join(into, name), {
    recursive: true,
    dereference: true,
    filter: (path) => {
      const inside = relative(from, path).replaceAll('\\', '/');
      if (unloaded.test(`/${inside}`)) return false;
      // jpeg-turbo carries the binaries of every platform.
      const prebuilt = /^prebuilds\/([^/]+)/.exec(inside)?.[1];
      if (prebuilt && prebuilt !== `jpeg-turbo-${target}`) return false;
      // libvips' licences stand in its README alone.
      return statSync(path).isDirectory() || loaded.test(basename(path)) || (name.startsWith('@img/sharp-libvips') && inside === 'README.md');
    },
  });
}

// The packer takes one folder as it is; node_modules lies in dist/, beside the bundles that load from it, where npm need not be asked about it.
const stage = join(root, '.cache/package', target);
rmSync(stage, { recursive: true, force: true });
mkdirSync(stage, { recursive: true });
for (const name of ['.vscodeignore', 'README.md', 'CHANGELOG.md', 'LICENSE', 'package.nls.json', 'l10n', 'media']) if (existsSync(join(root, name))) cpSync(join(root, name), join(stage, name), { recursive: true });
// The README's pictures.
for (const name of readdirSync(join(root, 'docs'))) if (name.endsWith('.png')) cpSync(join(root, 'docs', name), join(stage, 'docs', name));
cpSync(join(root, 'dist'), join(stage, 'dist'), { recursive: true, filter: (path) => !path.endsWith('.map') && basename(path) !== 'node_modules' });
for (const name of withDependencies(nativePackages)) copyPackage(name, join(stage, 'dist/node_modules'));
const { private: _private, scripts: _scripts, devDependencies: _tools, overrides: _overrides, dependencies: _bundled, ...manifest } = packageJson(root);
writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

const packagePath = join(root, 'dist-vsix', `siamscope-${target}-${manifest.version}.vsix`);
rmSync(join(root, 'dist-vsix'), { recursive: true, force: true });
mkdirSync(join(root, 'dist-vsix'));
await createVSIX({ cwd: stage, target, packagePath, dependencies: false, allowMissingRepository: true, rewriteRelativeLinks: false });

const bytes = (path) => (statSync(path).isDirectory() ? readdirSync(path).reduce((sum, name) => sum + bytes(join(path, name)), 0) : statSync(path).size);
const megabytes = (count) => `${(count / 1e6).toFixed(2)} MB`;
for (const part of ['dist', 'dist/node_modules', ...readdirSync(join(stage, 'dist/node_modules')).map((name) => `dist/node_modules/${name}`), 'media']) console.log(`  ${part.padEnd(32)}${megabytes(bytes(join(stage, part))).padStart(10)}`);
const size = statSync(packagePath).size;
console.log(`${relative(root, packagePath)}: ${megabytes(size)} packed`);
if (size > sizeLimit) {
  console.error(`that is more than the limit of ${megabytes(sizeLimit)}`);
  process.exit(1);
}
