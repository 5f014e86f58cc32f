/** The backend's command as the extension's parts are given it, and its JSON, parsed with an error that says what was asked. */

export interface CommandOptions {
  onLine?: (line: string) => void;
  signal?: AbortSignal;
}

/** Runs `siamscope ARGUMENTS`. Rejects in an untrusted workspace, and where it cannot be launched. */
export type Command = (args: readonly string[], options?: CommandOptions) => Promise<{ code: number | null; stdout: string }>;

/** Thrown where the command ended otherwise than it should; the message is what it said last. */
export class CommandError extends Error {
  override name = 'CommandError';
}

/** Runs the command and parses what it prints. `accepts` are exit codes with which it prints JSON all the same. */
export async function commandJson(command: Command, args: readonly string[], options: CommandOptions & { accepts?: readonly number[] } = {}): Promise<unknown> {
  const lines: string[] = [];
  const { code, stdout } = await command(args, { ...options, onLine: (line) => (lines.push(line), options.onLine?.(line)) });
  if (code !== 0 && !options.accepts?.includes(code ?? -1)) throw new CommandError(lastWords(lines, code));
  try {
    return JSON.parse(stdout);
  } catch {
    throw new CommandError(lastWords(lines, code));
  }
}

/** What a command said last that was meant for people. */
export function lastWords(lines: readonly string[], code: number | null): string {
  const said = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('{') && !line.startsWith('}'));
  return said.at(-1)?.replace(/^error:\s*/i, '') ?? `the command ended with exit code ${code ?? 'none'}`;
}
