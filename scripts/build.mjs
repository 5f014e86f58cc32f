// Bundles each runtime with esbuild into dist/, and the image kernels with AssemblyScript. `--watch` is not needed: a build takes a second.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
mkdirSync(join(root, 'dist'), { recursive: true });

const kernels = join(root, 'backend/augment/kernels/image.ts');
if (existsSync(kernels))
  execFileSync(process.execPath, [join(root, 'node_modules/assemblyscript/bin/asc.js'), kernels, '-o', join(root, 'dist/image.wasm'), '-O3', '--noAssert', '--enable', 'simd', '--runtime', 'stub', '--use', 'abort='], { stdio: 'inherit' });

// The WebAssembly engine loads its binary from beside the bundle.
copyFileSync(join(root, 'node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'), join(root, 'dist/tfjs-backend-wasm-simd.wasm'));

// Native parts and engines stay outside the bundle: they are loaded from node_modules or from where the user has them.
const external = ['koffi', 'sharp', '@julusian/jpeg-turbo', '@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu', 'vscode'];
const common = { bundle: true, platform: 'node', target: 'node20', sourcemap: true, logLevel: 'warning', external, define: { SIAMSCOPE_VERSION: JSON.stringify(version) }, absWorkingDir: root };

// Every *.worker.ts is a thread of its own and every *.process.ts a process, found by glob; its bundle has the file's name.
const workers = readdirSync(join(root, 'backend'), { recursive: true }).filter((f) => /\.(worker|process)\.ts$/.test(f)).map((f) => join('backend', f));
// Split, so that a command loads only what it needs: help must not wait for TensorFlow.js to be parsed.
const { metafile } = await build({
  ...common,
  entryPoints: [{ in: 'backend/cli.ts', out: 'siamscope' }, ...workers.map((f) => ({ in: f, out: f.split('/').pop().replace(/\.ts$/, '') }))],
  outdir: 'dist', outExtension: { '.js': '.mjs' }, format: 'esm', splitting: true, chunkNames: 'chunk-[hash]', metafile: true,
  // CommonJS dependencies inside an ES module bundle still call require.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); const __filename = import.meta.filename ?? (await import('node:url')).fileURLToPath(import.meta.url); const __dirname = (await import('node:path')).dirname(__filename);" },
});

// Chunks of earlier builds.
const built = new Set(Object.keys(metafile.outputs).map((file) => basename(file)));
for (const file of readdirSync(join(root, 'dist'))) if (file.startsWith('chunk-') && !built.has(file)) rmSync(join(root, 'dist', file));

// The report's page: browser code that the backend puts into each report, with its style beside it.
await build({ entryPoints: [{ in: 'webviews/report/main.ts', out: 'report' }], outdir: 'dist', absWorkingDir: root, bundle: true, platform: 'browser', target: 'es2022', format: 'iife', minify: true, charset: 'utf8', logLevel: 'warning' });

// The editor's webviews, found by glob: dist/webviews/NAME.js and NAME.css.
const views = readdirSync(join(root, 'webviews')).filter((name) => name !== 'report' && existsSync(join(root, 'webviews', name, 'main.ts')));
await build({ entryPoints: views.map((name) => ({ in: `webviews/${name}/main.ts`, out: name })), outdir: 'dist/webviews', absWorkingDir: root, bundle: true, platform: 'browser', target: 'es2022', format: 'iife', minify: true, charset: 'utf8', logLevel: 'warning' });

// The extension, for the editor's extension host, and the schemas that it completes run files and study files from.
// jsonc-parser's CommonJS form cannot be bundled, its module can.
// What it reads studies by is a bundle beside it, loaded with the first study: CommonJS bundles cannot be split.
const apart = { name: 'apart', setup: (builder) => builder.onResolve({ filter: /\/study\/reading\.ts$/ }, ({ kind }) => (kind === 'entry-point' ? undefined : { path: './study.cjs', external: true })) };
const forEditor = { ...common, mainFields: ['module', 'main'], outdir: 'dist', outExtension: { '.js': '.cjs' }, format: 'cjs' };
await build({ ...forEditor, entryPoints: [{ in: 'extension/extension.ts', out: 'extension' }], plugins: [apart] });
await build({ ...forEditor, entryPoints: [{ in: 'backend/study/reading.ts', out: 'study' }] });
for (const [name, ...options] of [['run'], ['study', '--study']])
  writeFileSync(join(root, `dist/siam-${name}.schema.json`), execFileSync(process.execPath, [join(root, 'dist/siamscope.mjs'), 'schema', ...options], { encoding: 'utf8' }));
