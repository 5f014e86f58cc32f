/** The curves of training as charts: every point is there; where several share a column of pixels, their lowest and highest are drawn. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { PageCurve } from '../../backend/protocol.ts';
import { float32, float64 } from './decode.ts';
import { colour } from './theme.ts';

interface Chart {
  element: HTMLElement;
  curve: PageCurve;
  data: uPlot.AlignedData;
  plot: uPlot | null;
}

/** Series on one rising axis of steps; null is a gap. */
function align(curve: PageCurve): uPlot.AlignedData {
  const series = curve.series.map((s) => ({ steps: float64(s.steps), values: float32(s.values) }));
  const steps = [...new Set(series.flatMap((s) => Array.from(s.steps)))].sort((a, b) => a - b);
  const place = new Map(steps.map((step, i) => [step, i]));
  const columns = series.map((s) => {
    // Steps at which only another series has a point are skipped over (undefined); values that are not finite are gaps (null).
    const column = new Array<number | null | undefined>(steps.length).fill(undefined);
    s.steps.forEach((step, i) => {
      const value = s.values[i]!;
      column[place.get(step)!] = Number.isFinite(value) && (curve.scale === 'linear' || value > 0) ? value : null;
    });
    return column;
  });
  return [steps, ...columns];
}

const short = (value: number): string => {
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size < 1e-3 || size >= 1e5) return value.toExponential(1).replace('e+', 'e');
  return String(Number(value.toPrecision(4)));
};

const valueText = (value: number, { kind }: PageCurve): string => (kind === 'share' ? `${short(100 * value)}\u202f%` : short(value));

function countText({ curve, data, plot }: Chart): string {
  const total = curve.series.reduce((sum, _, k) => sum + Array.from(data[k + 1]!).filter((v) => v !== undefined).length, 0);
  const { min, max } = plot?.scales.x ?? {};
  const steps = data[0];
  if (min === undefined || max === undefined || min === null || max === null || (min <= steps[0]! && max >= steps[steps.length - 1]!)) return `${total.toLocaleString('en-US')} points`;
  const shown = curve.series.reduce((sum, _, k) => sum + Array.from(data[k + 1]!).filter((v, i) => v !== undefined && steps[i]! >= min && steps[i]! <= max).length, 0);
  return `${shown.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} points`;
}

function build(chart: Chart): uPlot {
  const { element, curve, data } = chart;
  const ink = colour('quiet');
  const axis = { stroke: ink, grid: { stroke: colour('hairline'), width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' };
  const count = element.parentElement?.querySelector('.count');
  return new uPlot({
    width: element.clientWidth,
    height: 210,
    cursor: { sync: { key: 'curves' }, points: { size: 7 }, drag: { x: true, y: false } },
    scales: { x: { time: false }, y: curve.scale === 'log' ? { distr: 3 } : {} },
    legend: { live: true },
    axes: [{ ...axis, space: 70, size: 28, values: (_, ticks) => ticks.map((v) => v.toLocaleString('en-US')) }, { ...axis, size: 52, space: 34, values: (_, ticks) => ticks.map((v) => (v === null ? '' : valueText(v, curve))) }],
    series: [
      { label: 'Step', value: (_, v) => (v === null ? '' : v.toLocaleString('en-US')) },
      ...curve.series.map((s, k): uPlot.Series => ({ label: s.name, stroke: colour(`series-${k % 4}`), width: 1.5, ...(k % 2 === 1 ? { dash: [6, 3] } : {}), points: { show: data[0].length < 30, size: 4 }, value: (_, v) => (v === null || v === undefined ? '' : valueText(v, curve)) })),
    ],
    hooks: {
      setScale: [(plot, key) => {
        if (key === 'x' && count) count.textContent = countText({ ...chart, plot });
      }],
    },
  }, data, element);
}

/** Draws all charts; returns a function that draws them anew in other colours. */
export function drawCharts(curves: PageCurve[]): () => void {
  const charts: Chart[] = [];
  for (const element of document.querySelectorAll<HTMLElement>('[data-curve]')) {
    const curve = curves[Number(element.dataset.curve)];
    if (!curve) continue;
    element.tabIndex = 0;
    element.setAttribute('role', 'group');
    element.setAttribute('aria-label', `Chart of ${element.dataset.name}; its numbers are in the table below the charts`);
    const count = document.createElement('p');
    count.className = 'count';
    element.after(count);
    const chart: Chart = { element, curve, data: align(curve), plot: null };
    charts.push(chart);
    const [first, last] = [chart.data[0][0] ?? 0, chart.data[0][chart.data[0].length - 1] ?? 1];
    element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') chart.plot?.setScale('x', { min: first, max: last });
    });
  }
  addEventListener('resize', () => {
    for (const { element, plot } of charts) plot?.setSize({ width: element.clientWidth, height: 210 });
  });
  return () => {
    for (const chart of charts) {
      chart.plot?.destroy();
      chart.plot = build(chart);
      const count = chart.element.parentElement?.querySelector('.count');
      if (count) count.textContent = countText(chart);
    }
  };
}
