/** The lab's own part of drawing: the host's pictures, and masks. */
import type { LabPicture } from '../../backend/protocol.ts';
import { cellOf, rgbPicture } from '../common/canvas.ts';

export { cellOf, drawPicture, strokeRimmed, surface } from '../common/canvas.ts';

/** A picture of a reply, to be drawn from. */
export const pictureOf = (buffer: ArrayBuffer, { offset, width, height }: LabPicture): HTMLCanvasElement => rgbPicture(new Uint8Array(buffer, offset, width * height * 3), width, height);

/** Covers what the model does not see. */
export function drawMask(context: CanvasRenderingContext2D, mask: readonly number[], grid: number, side: number): void {
  mask.forEach((masked, patch) => {
    if (!masked) return;
    context.fillStyle = 'rgb(96 98 104 / 0.86)';
    context.fillRect(...cellOf(patch, grid, side));
  });
}
