/** The command's manners: help, versions, exit codes, the nearest right word for a wrong one, results apart from talk. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { everyCommand, buildProgram } from '../../backend/commands/program.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { photos, run } from './command.ts';

const folder = temporaryFolder();
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));

test('version and help go to standard output, with exit code 0', async () => {
  expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  const help = await run(['--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('Example:\n  siamscope init');
});

test('every command has help with an example, no line beyond 80 columns', () => {
  for (const command of everyCommand(buildProgram())) {
    let text = '';
    command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 80 });
    command.outputHelp();
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    if (command.commands.length === 0) expect(text, command.name()).toMatch(/Example:\n .*siamscope/);
  }
});

test('help comes at once', async () => {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    await run(['--help']);
    times.push(performance.now() - began);
  }
  // 150 ms is the aim on a quiet machine; twice that leaves room for a busy one.
  expect(Math.min(...times)).toBeLessThan(300);
});

test.each([
  [['trian', 'x'], 'unknown command \'trian\'', 'Did you mean train?'],
  [['train', 'x', '--resum'], 'unknown option', '--resume'],
  [['init', 'x', '--data', '.', '--preset', 'tinny'], 'invalid', 'Did you mean "tiny"?'],
  [['train', 'x', '--engine', 'trch'], 'invalid', 'Did you mean "torch"?'],
  [['presets', 'siamese-vit-smal'], 'there is no preset', 'did you mean "siamese-vit-small"?'],
  [['train'], 'missing required argument', 'file'],
  [['bench', 'step', '--steps', 'many'], 'invalid', 'whole number'],
  [['train', 'nowhere.siam.json'], 'does not exist', 'siamscope init'],
])('%j is refused with exit code 2', async (args, said, advice) => {
  const { code, stdout, stderr } = await run(args, { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(said);
  expect(stderr).toContain(advice);
  expect(stderr).not.toContain('    at ');
});

test('presets are listed and printed', async () => {
  expect((await run(['presets'])).stdout).toMatch(/^tiny +SiameseIM/);
  expect(JSON.parse((await run(['presets', 'mae-vit-base'])).stdout)).toMatchObject({ method: { name: 'mae' } });
});

test('the schema of run files', async () => {
  const schema = JSON.parse((await run(['schema'])).stdout);
  expect(schema.properties.preset.enum).toContain('tiny');
  expect(schema.properties.batch.properties.size).toMatchObject({ default: 64, description: expect.stringContaining('memory') });
  expect(schema.additionalProperties).toBe(false);
});

describe('init', () => {
  test('writes a run file with a path that moves along, and does not replace one', async () => {
    const inside = join(folder, 'project');
    mkdirSync(join(inside, 'images'), { recursive: true });
    expect((await run(['init', 'flowers', '--data', 'images'], { cwd: inside })).stdout.trim()).toBe(join(inside, 'flowers.siam.json'));
    const text = readFileSync(join(inside, 'flowers.siam.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ preset: 'tiny', name: 'flowers', data: { train: 'images' } });
    expect(await run(['init', 'flowers', '--data', 'images'], { cwd: inside })).toMatchObject({ code: 2, stderr: expect.stringContaining('exists') });
    expect((await run(['init', 'flowers', '--data', photos, '--preset', 'mae-vit-base', '--force'], { cwd: inside })).code).toBe(0);
    expect(JSON.parse(readFileSync(join(inside, 'flowers.siam.json'), 'utf8'))).toMatchObject({ preset: 'mae-vit-base', data: { train: photos } });
  });

  test('refuses data that is not there, and names that leave the folder', async () => {
    expect(await run(['init', 'a', '--data', 'nowhere'], { cwd: folder })).toMatchObject({ code: 2, stderr: expect.stringContaining('no images at') });
    expect(await run(['init', 'a', '--data', photos, '--name', '../x'], { cwd: folder })).toMatchObject({ code: 2, stderr: expect.stringContaining('name: expected') });
    expect(existsSync(join(folder, 'a.siam.json'))).toBe(false);
  });
});

describe('completion', () => {
  const bash = spawnSync('bash', ['--version']).status === 0;
  const zsh = spawnSync('zsh', ['--version']).status === 0;
  const fish = spawnSync('fish', ['--version']).status === 0;
  if (!bash) console.warn('SKIPPED: completion in bash: there is no bash here');
  if (!zsh) console.warn('SKIPPED: completion in zsh: there is no zsh here');
  if (!fish) console.warn('SKIPPED: completion in fish: there is no fish here');

  /** What bash would offer for the last of the words. */
  function complete(script: string, words: string[]): string[] {
    const typed = words.map((word) => `'${word}'`).join(' ');
    return execFileSync('bash', ['-c', `source ${script}; COMP_WORDS=(siamscope ${typed}); COMP_CWORD=${words.length}; _siamscope; printf '%s\\n' "\${COMPREPLY[@]}"`], { encoding: 'utf8', cwd: folder }).split('\n').filter(Boolean);
  }

  test.skipIf(!bash)('bash completes commands, options and values', async () => {
    const script = join(folder, 'completion.bash');
    writeFileSync(script, (await run(['completion', 'bash'])).stdout);
    expect(complete(script, ['tr'])).toEqual(['train']);
    expect(complete(script, ['engine', ''])).toEqual(expect.arrayContaining(['list', 'install', 'path']));
    expect(complete(script, ['engine', 'install', 't'])).toEqual(expect.arrayContaining(['torch', 'tensorflow']));
    expect(complete(script, ['train', '--res'])).toEqual(['--resume']);
    expect(complete(script, ['init', '--preset', 'mae'])).toEqual(['mae-vit-small', 'mae-vit-base']);
    expect(complete(script, ['train', 'completion'])).toEqual(['completion.bash']);
    expect(complete(script, ['train', 'file', '--engine', 'w'])).toEqual(['wasm']);
  });

  test.skipIf(!zsh)('zsh completes commands, options and values', async () => {
    const script = join(folder, '_siamscope');
    writeFileSync(script, (await run(['completion', 'zsh'])).stdout);
    // Of the completion system what the script calls, printing what it would offer.
    const around = `compdef() { : }; compadd() { shift; print -rl -- "$@" }; _files() { print a-file }; source ${script}`;
    const offered = (...words: string[]): string[] => execFileSync('zsh', ['-f', '-c', `${around}; words=(siamscope ${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length + 1}; _siamscope`], { encoding: 'utf8' }).split('\n').filter(Boolean);
    expect(offered('tr')).toEqual(expect.arrayContaining(['train', 'evaluate', '--version']));
    expect(offered('tr')).not.toContain('a-file');
    expect(offered('engine', '')).toEqual(expect.arrayContaining(['list', 'install', 'path']));
    expect(offered('train', 'run.siam.json', '--engine', '')).toEqual(['auto', 'torch', 'tensorflow', 'wasm']);
    expect(offered('train', '')).toEqual(expect.arrayContaining(['--resume', 'a-file']));
    expect(offered('study', 'init', '--scale', 't')).toEqual(['tiny', 'vit-base']);
  });

  test.skipIf(!fish)('fish completes commands, options and values, each with what it is for', async () => {
    const script = join(folder, 'siamscope.fish');
    writeFileSync(script, (await run(['completion', 'fish'])).stdout);
    const offered = (line: string): string[] => execFileSync('fish', ['--no-config', '-c', `source ${script}; complete -C '${line}'`], { encoding: 'utf8', cwd: folder, env: { ...process.env, HOME: folder } }).split('\n').filter(Boolean);
    const words = (line: string): string[] => offered(line).map((row) => row.split('\t')[0]!);
    expect(offered('siamscope tr')).toEqual(['train\ttrain a run file']);
    expect(words('siamscope engine ')).toEqual(expect.arrayContaining(['list', 'install', 'path']));
    expect(words('siamscope engine install t').sort()).toEqual(['tensorflow', 'torch']);
    expect(words('siamscope train --res')).toEqual(['--resume']);
    expect(words('siamscope train x --engine ').sort()).toEqual(['auto', 'tensorflow', 'torch', 'wasm']);
    expect(words('siamscope train siamscope.f')).toEqual(['siamscope.fish']);
    expect(words('siamscope study init --scale ').sort()).toEqual(['tiny', 'vit-base']);
  });

  test('there is one for each of the three shells, and for no other', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) expect((await run(['completion', shell])).stdout).toContain(`siamscope completion for ${shell}`);
    expect(await run(['completion', 'csh'])).toMatchObject({ code: 2, stderr: expect.stringContaining('bash, zsh, fish') as string });
  });
});
