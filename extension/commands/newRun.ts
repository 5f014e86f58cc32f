/** "New Run": asks for the images and a recipe, has the backend write the run file, and opens it. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { CommandError, commandJson, lastWords } from '../command.ts';
import { imageFolders } from '../config/imageFolders.ts';
import { rankPresets, type RankedPreset } from '../config/presetOrder.ts';
import { freeName, runFileEnding, runNameOf } from '../config/runFileText.ts';
import { parsePresets } from '../engines/parseDiagnosis.ts';
import { countText } from '../views/text.ts';
import type { Parts } from './parts.ts';

const { t } = vscode.l10n;

const imagePattern = '**/*.{jpg,jpeg,png,webp,avif,tif,tiff,gif,bmp,JPG,JPEG,PNG}';
const passedOver = '**/{node_modules,.git,runs,.venv,venv,site-packages,dist}/**';
/** Enough to tell which folders hold images; large ones are shown with a plus. */
const mostFiles = 20_000;

/** With a folder given, its images are taken without asking. */
export async function newRun(parts: Parts, [uri]: readonly unknown[]): Promise<void> {
  const workspaceFolder = vscode.workspace.workspaceFolders?.find(({ uri: { scheme } }) => scheme === 'file');
  if (!workspaceFolder) throw new Error(t('Open the folder that your images are in first: the run file is written into it.'));
  const images = uri instanceof vscode.Uri ? uri : await askForImages();
  if (!images) return;
  if (images.scheme !== 'file') throw new Error(t('Training reads images of this machine; {0} is elsewhere.', images.toString(true)));
  const preset = await askForPreset(parts, basename(images.fsPath));
  if (!preset) return;
  // Beside the images, where that is in the workspace: the path in the file is short then, and both move together.
  const home = vscode.workspace.getWorkspaceFolder(images);
  const folder = home ? (home.uri.fsPath === images.fsPath ? images.fsPath : dirname(images.fsPath)) : workspaceFolder.uri.fsPath;
  const name = freeName(runNameOf(basename(images.fsPath)), (candidate) => existsSync(join(folder, `${candidate}${runFileEnding}`)) || existsSync(join(folder, 'runs', candidate)));
  const file = join(folder, `${name}${runFileEnding}`);
  const lines: string[] = [];
  const { code } = await parts.command(['init', file, '--preset', preset.preset, '--data', images.fsPath, '--name', name], { onLine: (line) => lines.push(line) });
  if (code !== 0) throw new CommandError(lastWords(lines, code));
  parts.log.info(`wrote ${file} from the preset ${preset.preset}`);
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(file));
}

/** Folders of the workspace that hold images, and any other. */
async function askForImages(): Promise<vscode.Uri | undefined> {
  const other: vscode.QuickPickItem & { uri?: vscode.Uri } = { label: `$(folder-opened) ${t('Another Folder...')}`, alwaysShow: true };
  const found = Promise.all((vscode.workspace.workspaceFolders ?? []).map(async (root) => {
    const files = await vscode.workspace.findFiles(new vscode.RelativePattern(root, imagePattern), passedOver, mostFiles);
    const more = files.length === mostFiles ? '+' : '';
    const prefix = root.uri.path.endsWith('/') ? root.uri.path : `${root.uri.path}/`;
    return imageFolders(files.map(({ path }) => path.slice(prefix.length))).map(({ path, images, classes }) => ({
      label: `$(file-media) ${path === '' ? root.name : path}`,
      description: classes > 0 ? t('{0} images in {1} classes', countText(images) + more, classes) : t('{0} images', countText(images) + more),
      uri: path === '' ? root.uri : vscode.Uri.joinPath(root.uri, path),
    }));
  })).then((lists) => [...lists.flat(), other]);
  const chosen = await vscode.window.showQuickPick<vscode.QuickPickItem & { uri?: vscode.Uri }>(found, { title: t('New Run (1 of 2): the images to learn from'), placeHolder: t('A folder of images, with or without a subfolder a class'), matchOnDescription: true });
  if (!chosen || chosen.uri) return chosen?.uri;
  const opened = await vscode.window.showOpenDialog({ canSelectFolders: true, canSelectFiles: false, title: t('Images to learn from'), openLabel: t('Use These Images'), defaultUri: vscode.workspace.workspaceFolders?.[0]?.uri });
  return opened?.[0];
}

/** Recipes, sized by what this machine has. */
async function askForPreset({ command, inventory }: Parts, images: string): Promise<RankedPreset | undefined> {
  const items = (async () => {
    const [presets, diagnosis] = await Promise.all([commandJson(command, ['presets', '--json']).then(parsePresets), inventory.get()]);
    return rankPresets(presets, diagnosis, t).map((ranked) => ({ label: ranked.best ? `$(star-full) ${ranked.preset}` : `$(blank) ${ranked.preset}`, description: ranked.why, detail: `$(blank) ${ranked.summary}`, ranked }));
  })();
  const chosen = await vscode.window.showQuickPick(items, { title: t('New Run (2 of 2): a recipe for {0}', images), placeHolder: t('The best for this machine comes first'), matchOnDescription: true, matchOnDetail: true });
  return chosen?.ranked;
}
