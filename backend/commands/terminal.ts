/** Text for terminals: colours only where a person looks and has not said no, tables, durations. */
import { styleText } from 'node:util';

type Colour = Parameters<typeof styleText>[0];

const isColoured = (stream: NodeJS.WriteStream): boolean => stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

export const style = (stream: NodeJS.WriteStream, colour: Colour, text: string): string => (isColoured(stream) ? styleText(colour, text) : text);

/** For people, about what goes on: never mixed with results. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Results. */
export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

/** `75` as `1:15`, `3700` as `1:01:40`, days beyond. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = hours || days ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  return days ? `${days} d ${clock}` : clock;
}

/** Columns aligned: the first to the left, numbers to the right. */
export function table(rows: readonly (readonly string[])[], indent = '  '): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]!.length))) ?? [];
  const isNumeric = widths.map((_, column) => column > 0 && rows.every((row) => /^[-\d.,e+% ]*$/.test(row[column]!)));
  return rows.map((row) => `${indent}${row.map((cell, i) => (isNumeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ').trimEnd()}\n`).join('');
}
