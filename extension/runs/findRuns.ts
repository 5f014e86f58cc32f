/** Which folders are runs: those of the folders that settings name, found without the editor's help. */
import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { statusFile } from '../../backend/link/status.ts';

const configFile = 'config.json';
/** A folder of many thousand others is none of runs. */
const mostFolders = 2000;

/** A run has both, and nothing else is likely to. */
export async function isRunFolder(folder: string): Promise<boolean> {
  const files = await Promise.all([statusFile, configFile].map((name) => stat(join(folder, name)).catch(() => null)));
  return files.every((info) => info?.isFile() === true);
}

/** Run folders among those whose status.json was found. */
export async function runsOfStatusFiles(paths: readonly string[]): Promise<string[]> {
  const folders = [...new Set(paths.map((path) => dirname(path)))];
  const found = await Promise.all(folders.map(async (folder) => ((await isRunFolder(folder)) ? [folder] : [])));
  return found.flat();
}

/** Run folders of a setting's entry: the folder itself, or those in it. Relative ones count from `base`. */
export async function runsOfEntry(entry: string, base: string | null): Promise<string[]> {
  const expanded = entry.replace(/^~(?=$|[/\\])/, homedir());
  const folder = base === null ? expanded : resolve(base, expanded);
  if (await isRunFolder(folder)) return [folder];
  const names = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = names.filter((entryBelow) => entryBelow.isDirectory()).slice(0, mostFolders).map(({ name }) => join(folder, name));
  return runsOfStatusFiles(folders.map((below) => join(below, statusFile)));
}
