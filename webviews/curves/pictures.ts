/** A chart as a picture for elsewhere: PNG from the canvas, SVG with the same lines as text that any program edits. */
import { colour } from '../common/theme.ts';
import type { Chart } from './chart.ts';
import { dotRadius, dots, stroke, xPixel, yPixel, type Pen } from './geometry.ts';
import { lookOf, lookOfRun } from './palette.ts';

const titleHeight = 30, lineHeight = 18;

const names = (chart: Chart): { name: string; look: ReturnType<typeof lookOf> }[] => chart.traces.flatMap((trace) => {
  const run = chart.runOf(trace);
  return run ? [{ name: run.name, look: lookOf(run.colour) }] : [];
});

export async function pngOf(chart: Chart): Promise<ArrayBuffer> {
  const { canvas } = chart;
  const unit = devicePixelRatio, legend = names(chart);
  const picture = document.createElement('canvas');
  picture.width = canvas.width;
  picture.height = canvas.height + (titleHeight + lineHeight * legend.length + 8) * unit;
  const ctx = picture.getContext('2d')!;
  ctx.fillStyle = chart.background;
  ctx.fillRect(0, 0, picture.width, picture.height);
  ctx.drawImage(canvas, 0, titleHeight * unit);
  ctx.scale(unit, unit);
  ctx.fillStyle = colour('vscode-foreground');
  ctx.font = `600 13px ${getComputedStyle(document.body).fontFamily}`;
  ctx.fillText(chart.metric.name, 12, 20);
  ctx.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  legend.forEach(({ name, look }, i) => {
    const y = titleHeight + canvas.height / unit + lineHeight * i + 8;
    ctx.fillStyle = look.stroke;
    ctx.fillRect(56, y, 14, 3);
    ctx.fillStyle = colour('vscode-foreground');
    ctx.fillText(name, 76, y + 5);
  });
  const blob = await new Promise<Blob | null>((done) => picture.toBlob(done, 'image/png'));
  if (!blob) throw new Error(`no picture of ${chart.metric.name} could be made: the chart is too large`);
  return blob.arrayBuffer();
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const rounded = (value: number): string => String(Math.round(Math.max(-1e6, Math.min(1e6, value)) * 100) / 100);

class PathText implements Pen {
  private readonly parts: string[] = [];

  moveTo(x: number, y: number): void {
    this.parts.push(`M${rounded(x)} ${rounded(y)}`);
  }

  lineTo(x: number, y: number): void {
    this.parts.push(`L${rounded(x)} ${rounded(y)}`);
  }

  get text(): string {
    return this.parts.join('');
  }
}

export function svgOf(chart: Chart): string {
  const unit = 1 / devicePixelRatio, frame = chart.frame(unit);
  frame.top += titleHeight;
  const [ink, quiet, grid, bad] = ['vscode-foreground', 'quiet', 'grid', 'bad'].map((name) => escaped(colour(name)));
  const legend = names(chart);
  const width = chart.canvas.width * unit, height = chart.canvas.height * unit + titleHeight + lineHeight * legend.length + 8;
  const right = frame.left + frame.width, bottom = frame.top + frame.height;
  const line = (x: number, y: number, x2: number, y2: number, stroked: string): string => `<path d="M${rounded(x)} ${rounded(y)}L${rounded(x2)} ${rounded(y2)}" stroke="${stroked}"/>`;
  const path = (x: Float64Array, y: Float64Array, attributes: string): string => {
    const pen = new PathText();
    stroke(pen, frame, x, y);
    return `<path d="${pen.text}" ${attributes}/>`;
  };
  const text = (x: number, y: number, content: string, attributes: string): string => `<text x="${rounded(x)}" y="${rounded(y)}" ${attributes}>${escaped(content)}</text>`;
  const inView = ([value]: [number, string], { min, max }: { min: number; max: number }): boolean => value >= min && value <= max;
  const parts = [
    ...chart.ticks.x.filter((tick) => inView(tick, frame.x)).flatMap(([value, label]) => [line(xPixel(frame, value), frame.top, xPixel(frame, value), bottom, grid!), text(xPixel(frame, value), bottom + 16, label, `fill="${quiet}" text-anchor="middle" font-size="11"`)]),
    ...chart.ticks.y.filter((tick) => inView(tick, frame.y) && tick[1] !== '').flatMap(([value, label]) => [line(frame.left, yPixel(frame, value), right, yPixel(frame, value), grid!), text(frame.left - 6, yPixel(frame, value) + 4, label, `fill="${quiet}" text-anchor="end" font-size="11"`)]),
    '<g clip-path="url(#plot)" fill="none" stroke-linejoin="round">',
    ...chart.traces.flatMap((trace) => {
      const { stroke: stroked, dash } = lookOfRun(chart.runOf(trace));
      const smooth = trace.smoothX.length > 0, dashed = dash.length > 0 ? ` stroke-dasharray="${dash.join(' ')}"` : '';
      return [path(trace.x, trace.y, `stroke="${escaped(stroked)}" stroke-width="${smooth ? 1 : 1.5}"${smooth ? ' stroke-opacity="0.3"' : trace.points < trace.shown ? '' : dashed}`), ...(smooth ? [path(trace.smoothX, trace.smoothY, `stroke="${escaped(stroked)}" stroke-width="2"${dashed}`)] : [])];
    }),
    ...chart.traces.flatMap((trace) => dots(frame, trace, 1).map(([x, y]) => `<circle cx="${rounded(x)}" cy="${rounded(y)}" r="${dotRadius}" fill="${escaped(lookOfRun(chart.runOf(trace)).stroke)}"/>`)),
    ...chart.marks().filter(({ x }) => x >= frame.x.min && x <= frame.x.max).map(({ x, mark }) => `<g stroke="${mark.kind === 'resumed' ? quiet : bad}"><title>${escaped(mark.summary)}</title>${line(xPixel(frame, x), mark.kind === 'resumed' ? bottom - 14 : frame.top, xPixel(frame, x), bottom, mark.kind === 'resumed' ? quiet! : bad!)}</g>`),
    '</g>',
    ...legend.flatMap(({ name, look }, i) => [`<rect x="56" y="${rounded(bottom + 34 + lineHeight * i)}" width="14" height="3" fill="${escaped(look.stroke)}"/>`, text(76, bottom + 39 + lineHeight * i, name, `fill="${ink}" font-size="12"`)]),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${rounded(width)} ${rounded(height)}" width="${rounded(width)}" height="${rounded(height)}" font-family="system-ui, sans-serif">
<defs><clipPath id="plot"><rect x="${rounded(frame.left)}" y="${rounded(frame.top)}" width="${rounded(frame.width)}" height="${rounded(frame.height)}"/></clipPath></defs>
<rect width="100%" height="100%" fill="${escaped(chart.background)}"/>
${text(12, 20, chart.metric.name, `fill="${ink}" font-size="13" font-weight="600"`)}
${parts.join('\n')}
</svg>
`;
}
