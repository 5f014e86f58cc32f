/** `siamscope engine`: the engines of this machine: which there are, where they are, and installing them. */
import { Argument, type Command } from 'commander';
import { InputError } from '../errors.ts';
import { jsonOption, torchOption } from './arguments.ts';
import { example } from './example.ts';
import { print, printJson, say, table } from './terminal.ts';

const installable = ['torch', 'tensorflow'] as const;

async function list({ json }: { json?: boolean }): Promise<void> {
  const { listEngines, listRuntimes } = await import('../engines/manage.ts');
  const [engines, runtimes] = [await listEngines(), await listRuntimes()];
  if (json) return printJson({ engines, runtimes });
  const shown = engines.flatMap(({ name, version, path, note }) => [`${name.padEnd(11)}${(version ?? (path ? 'here' : '-')).padEnd(10)}${note}`, ...(path ? [`  ${path}`] : [])]);
  print(shown.join('\n'));
  print(`\nInstalled by siamscope, or ready to be with "siamscope engine install":\n${table(runtimes.map(({ title, state, bytes, reason }) => [title, state === 'whole' ? `${(bytes / 1e6).toFixed(0)} MB` : state, reason]))}`);
}

async function install(name: string, { cuda, python, json }: { cuda?: boolean; python?: string; json?: boolean }): Promise<void> {
  const { installEngine } = await import('../engines/manage.ts');
  const controller = new AbortController();
  const stop = (): void => controller.abort(new InputError('interrupted: nothing was changed; the same command goes on'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  let last = '';
  const folder = await installEngine(name, {
    cuda, python, signal: controller.signal,
    onProgress: (progress) => {
      if (json) return print(JSON.stringify(progress));
      const { phase, message, bytes, total } = progress;
      const share = bytes !== undefined && total ? ` ${Math.floor((100 * bytes) / total)} %` : '';
      if (process.stderr.isTTY) process.stderr.write(`\r${message}${share}\u001b[K${phase === 'done' ? '\n' : ''}`);
      else if (message !== last) say(message);
      last = message;
    },
  });
  if (!json) print(folder);
}

async function path(name: string): Promise<void> {
  const { listEngines } = await import('../engines/manage.ts');
  const found = (await listEngines()).find((engine) => engine.name === name);
  if (!found?.path) throw new InputError(`there is no ${name} here: ${found?.note ?? 'no such engine'}. Install it with "siamscope engine install ${name}"`);
  print(found.path);
}

async function remove(name: string): Promise<void> {
  const { removeEngine } = await import('../engines/manage.ts');
  const folders = await removeEngine(name);
  if (folders.length === 0) say(`siamscope has installed no ${name}: there is nothing to remove`);
  for (const folder of folders) print(folder);
}

const engineArgument = (): Argument => new Argument('<name>', installable.join(' or ')).choices(installable);

export function addEngine(program: Command): void {
  const engine = program.command('engine').summary('list, install or find engines').description('Engines are what computes: libtorch, TensorFlow, or the slow one that is always there.');
  engine.command('list').summary('show what is here').description('Shows which engines are here, without loading them.').addOption(torchOption()).addOption(jsonOption()).addHelpText(...example('siamscope engine list')).action(list);
  engine
    .command('install')
    .summary('install an engine')
    .description('Installs an engine with this machine\'s own pip or uv, checked against pinned hashes. An interrupted installation goes on where it was.')
    .addArgument(engineArgument())
    .option('--cuda', 'the build for NVIDIA GPUs (torch)')
    .option('--python <path>', 'the Python whose pip is used')
    .addOption(jsonOption('print progress as JSON lines'))
    .addHelpText(...example('siamscope engine install torch'))
    .action(install);
  engine.command('path').summary('print where an engine is').description('Prints the folder that an engine is loaded from.').addArgument(engineArgument()).addHelpText(...example('siamscope engine path torch')).action(path);
  engine.command('remove').summary('remove what was installed').description('Removes what "siamscope engine install" has installed.').addArgument(engineArgument()).addHelpText(...example('siamscope engine remove torch')).action(remove);
}
