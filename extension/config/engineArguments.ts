/** The engine and device that the settings name, for run files that leave the choice open. */
import { readFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import { readSetting } from '../readSettings.ts';
import { plainValue } from './runFileText.ts';

/** Arguments of `siamscope train` for a run file, or for the config.json of a run that is resumed. What the file says itself is left alone. */
export async function engineArguments(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const resource = vscode.Uri.file(file);
  return (['engine', 'device'] as const).flatMap((name) => {
    const own = plainValue(text, ['engine', name]) ?? 'auto', wanted = readSetting(name, resource);
    return own === 'auto' && wanted !== 'auto' && wanted !== '' ? [`--${name}`, wanted] : [];
  });
}
