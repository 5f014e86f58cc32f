/** `siamscope completion`: shell completion, generated from the command tree itself. */
import { Argument, type Command } from 'commander';
import { example } from './example.ts';
import { print } from './terminal.ts';

/** What can be typed after a path of commands (`engine install`; '' at the start). */
interface Place {
  path: string;
  command: Command;
  /** Commands, options and fixed arguments. */
  words: string[];
  /** Values of options that have fixed ones, by the option. */
  values: Map<string, string[]>;
}

function placesOf(command: Command, path: string[] = []): Place[] {
  const { commands } = command;
  const visible = command.createHelp().visibleOptions(command);
  const names = (option: (typeof visible)[number]): string[] => [option.short, option.long].filter((name) => name !== undefined);
  const values = new Map(visible.flatMap((option) => names(option).flatMap((name) => (option.argChoices ? [[name, option.argChoices] as const] : []))));
  const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  return [{ path: path.join(' '), command, words: [...commands.map((below) => below.name()), ...choices, ...visible.flatMap(names)], values }, ...commands.flatMap((below) => placesOf(below, [...path, below.name()]))];
}

const quoted = (words: readonly string[]): string => `"${words.join(' ')}"`;

/** The part that bash and zsh share: `place` from the words typed so far, then `choices` for it. */
function cases(places: readonly Place[]): string {
  const paths = places.filter(({ path }) => path !== '').map(({ path }) => `"${path}"`);
  return [
    '  for word in "${typed[@]}"; do',
    '    case "${place:+$place }$word" in',
    `      ${paths.join('|')}) place="\${place:+$place }$word" ;;`,
    '    esac',
    '  done',
    '  case "$place|$previous" in',
    ...places.flatMap(({ path, values }) => [...values].map(([option, choices]) => `    "${path}|${option}") choices=${quoted(choices)}; files= ;;`)),
    '    *)',
    '      case "$place" in',
    ...places.map(({ path, words }) => `        "${path}") choices=${quoted(words)} ;;`),
    '      esac ;;',
    '  esac',
  ].join('\n');
}

const bash = (places: readonly Place[]): string => `# siamscope completion for bash: add to ~/.bashrc
#   eval "$(siamscope completion bash)"
_siamscope() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" place= word choices= files=1
  local typed=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${cases(places)}
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
  if [[ $files && -n $place && $current != -* ]]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _siamscope siamscope
`;

const zsh = (places: readonly Place[]): string => `#compdef siamscope
# siamscope completion for zsh: add to ~/.zshrc
#   eval "$(siamscope completion zsh)"
_siamscope() {
  local current="$words[CURRENT]" previous="$words[CURRENT-1]" place= word choices= files=1
  local -a typed=("\${(@)words[2,CURRENT-1]}")
${cases(places)}
  compadd -- \${=choices}
  if [[ -n $files && -n $place && $current != -* ]]; then _files; fi
}
compdef _siamscope siamscope
`;

/** A word for fish, whatever is in it. */
const fishWord = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

/** Fish shows what each word is for. */
function fishPlace({ path, command }: Place): string[] {
  const line = (...parts: string[]): string => `complete -c siamscope -n ${fishWord(`__siamscope_at ${fishWord(path)}`)} ${parts.join(' ')}`;
  return [
    ...(path === '' ? [line('-f')] : []),
    ...command.commands.map((below) => line('-f', '-a', below.name(), '-d', fishWord(below.summary() || below.description()))),
    ...command.registeredArguments.flatMap(({ argChoices, description }) => (argChoices ? [line('-f', '-a', fishWord(argChoices.join(' ')), '-d', fishWord(description))] : [])),
    ...command.createHelp().visibleOptions(command).map(({ short, long, argChoices, required, optional, description }) => line(...(short ? ['-s', short.slice(1)] : []), ...(long ? ['-l', long.slice(2)] : []), ...(argChoices ? ['-x', '-a', fishWord(argChoices.join(' '))] : required || optional ? ['-r'] : []), '-d', fishWord(description))),
  ];
}

const fish = (places: readonly Place[]): string => `# siamscope completion for fish: once
#   siamscope completion fish > ~/.config/fish/completions/siamscope.fish
function __siamscope_at
  set -l place
  for word in (commandline -opc)[2..-1]
    switch (string join ' ' -- $place $word)
      case ${places.flatMap(({ path }) => (path === '' ? [] : [fishWord(path)])).join(' ')}
        set -a place $word
    end
  end
  test "$place" = "$argv[1]"
end
${places.flatMap(fishPlace).join('\n')}
`;

const scripts = { bash, zsh, fish };
type Shell = keyof typeof scripts;

/** The script for a shell. */
export const completionScript = (program: Command, shell: Shell): string => scripts[shell](placesOf(program));

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .summary('print a completion script')
    .description('Prints a script that completes commands, options and values.')
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(Object.keys(scripts)))
    .addHelpText(...example('eval "$(siamscope completion bash)"'))
    .action((shell: Shell) => print(completionScript(program, shell)));
}
