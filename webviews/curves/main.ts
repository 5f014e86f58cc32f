/** The curves view: what the host knows and what the user chose, brought together on the page. */
import type { CurveMetric, CurveRun, CurvesCalls, CurvesNotice, CurvesOpen, CurveSlice } from '../../backend/protocol.ts';
import { Host, messageOf } from '../common/messaging.ts';
import { onThemeChange } from '../common/theme.ts';
import '../common/common.css';
import { Chart, type ChartActions } from './chart.ts';
import { tracesOf, type Trace } from './geometry.ts';
import { Page } from './page.ts';
import { pngOf, svgOf } from './pictures.ts';
import { chosenMetrics, restoreView, smoothingOf, type Range } from './view.ts';
import './curves.css';

/** After the last of a row of movements the host is asked for what is in view now. */
const settleMilliseconds = 120;
/** No view is narrower than this share of all there is: numbers end there. */
const narrowest = 1e-9;

let runs: CurveRun[] = [];
let metrics: CurveMetric[] = [];
let slice: CurveSlice | null = null;
/** Width of the view that the slice was made for. */
let sliceWidth = 0;
const charts = new Map<number, Chart>();
/** Charts on the screen: only they are asked for and drawn. */
const seen = new Set<Chart>();

const host = new Host<CurvesCalls, CurvesOpen, CurvesNotice>(
  ({ panel, ...state }) => {
    view.panel = panel;
    remember();
    take(state);
  },
  take,
);
const view = restoreView(host.state);

const actions: ChartActions = {
  zoom: setRange,
  pan(share) {
    const now = currentRange();
    if (!now || !slice?.extent) return;
    const width = now.max - now.min, all = slice.extent;
    const min = Math.max(all.min - width / 2, Math.min(all.max - width / 2, now.min + share * width));
    setRange({ min, max: min + width });
  },
  scale(factor, around) {
    const now = currentRange();
    if (!now || !slice?.extent) return;
    const all = slice.extent;
    const min = around - (around - now.min) * factor, max = around + (now.max - around) * factor;
    if (min <= all.min && max >= all.max) setRange(null);
    else if (max - min > (all.max - all.min) * narrowest) setRange({ min: Math.max(min, all.min - (max - min) / 2), max: Math.min(max, all.max + (max - min) / 2) });
  },
  point: setCursor,
  toggleLog: (name) => toggle(view.log, name),
  togglePin: (name) => toggle(view.pinned, name),
  save: (metric, format) => void save(metric, format),
};

const page = new Page({
  axis: (axis) => change(() => { view.axis = axis; view.range = null; }),
  smoothing: (weight) => change(() => { view.smoothing = weight; }),
  metrics: (names) => change(() => { view.metrics = names; }),
  reset: () => setRange(null),
  toggleRun: (run, shown) => change(() => { view.hidden = shown ? view.hidden.filter((place) => place !== run.place) : [...view.hidden, run.place]; }),
  add: () => void add(),
});

function take(state: CurvesNotice): void {
  ({ runs, metrics } = state);
  update();
}

function change(apply: () => void): void {
  apply();
  remember();
  update();
}

function toggle(names: string[], name: string): void {
  change(() => {
    const at = names.indexOf(name);
    if (at < 0) names.push(name);
    else names.splice(at, 1);
  });
}

function remember(): void {
  host.state = view;
}

const shownRuns = (): CurveRun[] => runs.filter(({ place }) => !view.hidden.includes(place));
const currentRange = (): Range | null => view.range ?? slice?.extent ?? null;

const visibility = new IntersectionObserver((entries) => {
  let more = false;
  for (const { target, isIntersecting } of entries) {
    const chart = [...charts.values()].find((candidate) => candidate.element === target);
    if (!chart) continue;
    if (isIntersecting && !seen.has(chart)) more = true;
    if (isIntersecting) seen.add(chart);
    else seen.delete(chart);
  }
  if (more) void refresh();
}, { rootMargin: '200px' });

new ResizeObserver(() => {
  for (const chart of charts.values()) chart.resize();
  void refresh();
}).observe(page.charts);

/** Brings the page in line with what is known; asks for the curves that it shows. */
function update(): void {
  page.show(runs, metrics, view);
  const chosen = chosenMetrics(view, metrics, runs);
  for (const [id, chart] of charts)
    if (!chosen.some((metric) => metric.id === id)) {
      visibility.unobserve(chart.element);
      seen.delete(chart);
      chart.destroy();
      charts.delete(id);
    }
  chosen.forEach((metric, place) => {
    let chart = charts.get(metric.id);
    if (!chart) {
      chart = new Chart(metric, actions);
      charts.set(metric.id, chart);
      // The first are on the screen for sure: their curves need not wait for the observer.
      if (place < 6) seen.add(chart);
    }
    if (page.charts.children[place] !== chart.element) page.charts.insertBefore(chart.element, page.charts.children[place] ?? null);
    chart.element.classList.toggle('pinned', view.pinned.includes(metric.name));
    visibility.observe(chart.element);
  });
  void refresh();
}

let asking = false, stale = false;

/** Asks for what is in view, one request at a time, and the last view always. */
async function refresh(): Promise<void> {
  stale = true;
  if (asking) return;
  asking = true;
  try {
    while (stale && metrics.length > 0) {
      stale = false;
      const ids = [...seen].map(({ metric }) => metric.id);
      const columns = Math.max(50, ...[...seen].map((chart) => chart.columns));
      const { range } = view;
      const complete = runs.every(({ read }) => read >= 1);
      slice = await host.ask('slice', { axis: view.axis, runs: shownRuns().map(({ id }) => id), metrics: ids, range, columns: Math.min(columns, 6000), smoothing: smoothingOf(view, shownRuns()) });
      sliceWidth = range ? range.max - range.min : 0;
      show(tracesOf(slice));
      page.trouble(null);
      if (complete) requestAnimationFrame(() => performance.mark('curves-complete'));
    }
  } catch (error) {
    page.trouble(messageOf(error));
  } finally {
    asking = false;
  }
}

function show(traces: Trace[]): void {
  const range = currentRange();
  if (!range || !slice) return;
  const order = new Map(runs.map(({ id }, place) => [id, place]));
  for (const chart of seen) {
    const own = traces.filter(({ metric }) => metric === chart.metric.id).sort((a, b) => order.get(a.run)! - order.get(b.run)!);
    chart.show(own, shownRuns(), { axis: view.axis, log: view.log.includes(chart.metric.name), pinned: view.pinned.includes(chart.metric.name), smoothing: smoothingOf(view, shownRuns()) }, range);
  }
  page.without(runs.filter(({ id }) => slice!.without.includes(id)), view.axis);
}

let settling: ReturnType<typeof setTimeout> | undefined;
let moving = false;

function setRange(range: Range | null): void {
  view.range = range;
  page.zoomed(range !== null);
  const now = currentRange();
  if (!now || !slice) return;
  if (!moving) {
    moving = true;
    requestAnimationFrame(() => {
      moving = false;
      const latest = currentRange();
      if (latest) for (const chart of seen) chart.move(latest);
    });
  }
  // What the host sent covers as much again on either side; it is asked anew before that ends, when the scale is another, and when all is still.
  const width = now.max - now.min;
  if (Math.abs(width - sliceWidth) > 0.01 * width || now.min - slice.covered.min < width / 3 || slice.covered.max - now.max < width / 3) void refresh();
  clearTimeout(settling);
  settling = setTimeout(() => {
    remember();
    void refresh();
  }, settleMilliseconds);
}

let cursor: number | null = null, pointing = false;

function setCursor(x: number | null): void {
  if (x === cursor) return;
  cursor = x;
  if (pointing) return;
  pointing = true;
  requestAnimationFrame(() => {
    pointing = false;
    for (const chart of seen) chart.pointAt(cursor);
    page.cursor(cursor, view.axis);
  });
}

async function save(metric: CurveMetric, format: 'png' | 'svg' | 'csv'): Promise<void> {
  const chart = charts.get(metric.id);
  if (!chart) return;
  try {
    const patient = { patient: true };
    const { saved } = format === 'csv'
      ? await host.ask('saveTable', { axis: view.axis, runs: shownRuns().map(({ id }) => id), metric: metric.id, range: view.range }, patient)
      : await host.ask('savePicture', { metric: metric.id, format, bytes: format === 'png' ? await pngOf(chart) : new TextEncoder().encode(svgOf(chart)).buffer }, patient);
    if (saved !== null) page.say(`Saved ${saved}`);
  } catch (error) {
    page.trouble(messageOf(error));
  }
}

async function add(): Promise<void> {
  try {
    const { added } = await host.ask('add', {}, { patient: true });
    page.say(added === 0 ? 'No new run was found there' : `${added} ${added === 1 ? 'run' : 'runs'} added`);
  } catch (error) {
    page.trouble(messageOf(error));
  }
}

onThemeChange(() => {
  for (const chart of seen) chart.build();
});
