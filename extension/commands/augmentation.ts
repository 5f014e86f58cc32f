/** The command that shows what a run file's pipeline makes of its images, or of an image. */
import * as vscode from 'vscode';
import type { Parts } from './parts.ts';

/** Opens in an untrusted workspace, too, where it says that nothing is launched. */
export async function previewAugmentations({ context, log }: Parts, [uri]: readonly unknown[]): Promise<void> {
  const panels = await import('../panels/augmentation.ts');
  await panels.previewAugmentations({ context, log }, uri instanceof vscode.Uri ? uri : undefined);
}
