/** From the class names of samples to numbers, by the same rule for folders, lists and archives. */

/** Classes, and each sample's index into them. */
export interface LabelledNames {
  classes: string[];
  /** [samples], -1 where a sample has no class; null where none has. */
  labels: Int32Array | null;
}

/** Class numbers written as such are kept up to this one, so that a subset of a dataset numbers its classes like the whole. */
const maxNumber = 1_000_000;

/** Numbers the classes in sorted order, or by themselves where all are whole numbers. */
export function numberClasses(names: readonly (string | null)[]): LabelledNames {
  const found = new Set<string>();
  for (const name of names) if (name !== null) found.add(name);
  if (found.size === 0) return { classes: [], labels: null };
  const numeric = [...found].every((name) => /^(0|[1-9]\d{0,6})$/.test(name) && Number(name) <= maxNumber);
  const count = numeric ? Math.max(...Array.from(found, Number)) + 1 : 0;
  const classes = numeric ? Array.from({ length: count }, (_, i) => String(i)) : [...found].sort();
  const numbers = new Map(classes.map((name, i) => [name, i]));
  return { classes, labels: Int32Array.from(names, (name) => (name === null ? -1 : numbers.get(name)!)) };
}

const splits = new Set(['train', 'training', 'val', 'valid', 'validation', 'test', 'testing']);

/**
 * The classes that folders give: the first folder of each name, as torchvision's ImageFolder has it. A first level that
 * holds only splits (train, val, test, ...) is no class and is passed over.
 */
export function folderClasses(names: readonly string[]): (string | null)[] {
  const isSplit = names.length > 0 && names.every((name) => name.includes('/') && splits.has(name.slice(0, name.indexOf('/')).toLowerCase()));
  return names.map((name) => {
    const folders = name.split('/').slice(0, -1);
    return (isSplit ? folders[1] : folders[0]) ?? null;
  });
}

/** The leading folders that all names share, with a slash at the end; empty where there are none. */
export function commonFolder(names: readonly string[]): string {
  let common = names.length > 0 ? names[0]!.slice(0, names[0]!.lastIndexOf('/') + 1) : '';
  for (const name of names) while (!name.startsWith(common)) common = common.slice(0, common.lastIndexOf('/', common.length - 2) + 1);
  return common;
}

/** File names that are taken for images; what they hold is told by content. */
export const isImageName = (name: string): boolean => /\.(jpe?g|jfif|png|webp|avif|tiff?|gif|bmp)$/i.test(name);
