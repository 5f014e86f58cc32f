/** What the columns show as one picture with its names and readings, on the editor's background. */
import { colour } from '../common/theme.ts';

export interface Snapshot {
  canvas: HTMLCanvasElement;
  title: string;
  said: string;
}

/** A PNG. */
export function pictureOfColumns(parts: readonly Snapshot[]): Promise<Blob> {
  const ratio = devicePixelRatio, gap = 16 * ratio, line = 18 * ratio;
  const canvas = document.createElement('canvas');
  canvas.width = parts.reduce((sum, part) => sum + part.canvas.width + gap, gap);
  canvas.height = Math.max(...parts.map((part) => part.canvas.height)) + 2 * gap + 4 * line;
  const context = canvas.getContext('2d')!;
  context.fillStyle = colour('vscode-editor-background') || '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = colour('vscode-foreground') || '#000';
  context.textBaseline = 'top';
  const font = colour('vscode-font-family') || 'sans-serif';
  let x = gap;
  for (const { canvas: part, title, said } of parts) {
    context.font = `600 ${13 * ratio}px ${font}`;
    context.fillText(title, x, gap, part.width);
    context.drawImage(part, x, gap + 1.5 * line);
    context.font = `${12 * ratio}px ${font}`;
    wrapped(context, said, part.width).slice(0, 2).forEach((text, i) => context.fillText(text, x, gap + 1.8 * line + part.height + i * line));
    x += part.width + gap;
  }
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the browser makes no picture of it'))), 'image/png'));
}

function wrapped(context: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)!} ${word}`.trim();
    if (context.measureText(longer).width <= width || lines.at(-1) === '') lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
