/** Puts a study's table into a document of somebody's, between two lines that mark its place. */
import { readFile } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { writeAtomically } from '../formats/atomic.ts';

const begin = '<!-- study -->', end = '<!-- /study -->';

/** Throws InputError where the document lacks the marks. */
export async function replaceTable(path: string, table: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path} cannot be read (${error.code})`, { cause: error });
  });
  const from = text.indexOf(begin), to = text.indexOf(end);
  if (from < 0 || to < from) throw new InputError(`${path} has no place for the table: add the lines ${begin} and ${end} where it belongs`);
  await writeAtomically(path, `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`);
}
