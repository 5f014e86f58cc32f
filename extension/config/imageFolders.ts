/** Which folders of a workspace look like a data set: what "New Run" offers, from a list of image files. */

export interface ImageFolder {
  /** '/'-separated, relative to the workspace folder; empty: the folder itself. */
  path: string;
  images: number;
  /** Subfolders with images, where there are no images beside them; else 0. */
  classes: number;
}

/** Fewer are icons and pictures of documents, not something to learn from. */
const fewest = 8;
const mostOffered = 8;

/** The folders worth offering, best first: a folder of class folders stands for these, and a folder that only leads to another for that one. */
export function imageFolders(files: readonly string[]): ImageFolder[] {
  const below = new Map<string, number>(), direct = new Map<string, number>(), children = new Map<string, Set<string>>();
  const add = (map: Map<string, number>, key: string): unknown => map.set(key, (map.get(key) ?? 0) + 1);
  for (const file of files) {
    const parts = file.split('/').slice(0, -1);
    add(direct, parts.join('/'));
    for (let length = parts.length; length >= 0; length--) {
      const folder = parts.slice(0, length).join('/');
      add(below, folder);
      if (length < parts.length) children.set(folder, (children.get(folder) ?? new Set()).add(parts[length]!));
    }
  }
  const own = (folder: string): number => direct.get(folder) ?? 0;
  const kids = (folder: string): string[] => [...(children.get(folder) ?? [])].map((name) => (folder === '' ? name : `${folder}/${name}`));
  const isClassFolder = (folder: string): boolean => own(folder) === 0 && kids(folder).length > 1 && kids(folder).every((kid) => kids(kid).length === 0);
  const found: ImageFolder[] = [];
  const visit = (folder: string): void => {
    const images = below.get(folder) ?? 0;
    if (images < fewest) return;
    const classes = isClassFolder(folder) ? kids(folder).length : 0;
    if (own(folder) > 0 || classes > 0) found.push({ path: folder, images, classes });
    if (classes === 0) kids(folder).forEach(visit);
  };
  visit('');
  return found.sort((a, b) => b.images - a.images || a.path.localeCompare(b.path)).slice(0, mostOffered);
}
