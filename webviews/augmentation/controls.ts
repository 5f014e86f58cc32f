/** Controls for a setting: a slider with its number beside it, and two on one track for the ends of a range. */
import { element } from '../common/dom.ts';

export interface SettingLook {
  label: string;
  title?: string;
  min: number;
  /** Where the slider ends; the number beside it may go on up to `limit`. */
  max: number;
  limit?: number | null;
  whole?: boolean;
  /** Equal ratios are equally far on the slider. */
  logarithmic?: boolean;
}

const steps = 400;

/** Four digits are enough for any setting, and readable. */
export const rounded = (value: number): number => Number(value.toPrecision(4));

function scaleOf({ min, max, whole, logarithmic }: SettingLook): { place(value: number): number; value(place: number): number } {
  if (logarithmic) return { place: (value) => Math.round((steps * Math.log(value / min)) / Math.log(max / min)), value: (place) => rounded(min * (max / min) ** (place / steps)) };
  return { place: (value) => Math.round((steps * (value - min)) / (max - min)), value: (place) => { const value = min + ((max - min) * place) / steps; return whole ? Math.round(value) : rounded(Math.round(value * 1000) / 1000); } };
}

export interface Control<T> {
  element: HTMLElement;
  set(value: T): void;
}

function numberInput(look: SettingLook, label: string, onValue: (value: number) => void): HTMLInputElement {
  const input = element('input', { type: 'number', min: look.min, max: look.limit === undefined ? look.max : look.limit, step: look.whole ? 1 : 'any', 'aria-label': label });
  input.addEventListener('change', () => {
    const value = input.valueAsNumber;
    if (Number.isFinite(value)) onValue(look.whole ? Math.round(value) : value);
  });
  return input;
}

function slider(label: string, onInput: (place: number) => void): HTMLInputElement {
  const input = element('input', { type: 'range', min: 0, max: steps, step: 1, 'aria-label': label });
  input.addEventListener('input', () => onInput(input.valueAsNumber));
  return input;
}

const show = (input: HTMLInputElement, value: number): void => {
  if (document.activeElement !== input || Number(input.value) !== value) input.value = String(value);
};

/** One number. */
export function numberControl(owner: string, look: SettingLook, onValue: (value: number) => void): Control<number> {
  const scale = scaleOf(look), name = `${look.label} of ${owner}`;
  const range = slider(name, (place) => onValue(scale.value(place)));
  const number = numberInput(look, `${name} as a number`, onValue);
  const row = element('div', { class: 'setting', title: look.title ?? '' }, element('span', { class: 'label' }, look.label), number, element('span', { class: 'track' }, range));
  return {
    element: row,
    set(value) {
      range.value = String(scale.place(value));
      range.setAttribute('aria-valuetext', String(value));
      show(number, rounded(value));
    },
  };
}

/** The two ends of what is drawn from. */
export function rangeControl(owner: string, look: SettingLook, onValue: (value: [number, number]) => void): Control<[number, number]> {
  const scale = scaleOf(look);
  let now: [number, number] = [look.min, look.max];
  const ends = ([['least', 0], ['greatest', 1]] as const).map(([which, end]) => {
    const name = `${which} ${look.label} of ${owner}`;
    const put = (value: number): void => {
      const next: [number, number] = [...now];
      next[end] = end === 0 ? Math.min(value, now[1]) : Math.max(value, now[0]);
      onValue(next);
    };
    return { range: slider(name, (place) => put(scale.value(place))), number: numberInput(look, `${name} as a number`, put) };
  });
  const [low, high] = ends as [typeof ends[0], typeof ends[0]];
  const row = element('div', { class: 'setting range', title: look.title ?? '' }, element('span', { class: 'label' }, look.label), low.number, high.number, element('span', { class: 'track double' }, low.range, high.range));
  return {
    element: row,
    set(value) {
      now = value;
      ends.forEach(({ range, number }, end) => {
        const place = scale.place(value[end]!);
        range.value = String(place);
        range.setAttribute('aria-valuetext', String(value[end]));
        show(number, rounded(value[end]!));
        // Where both ends meet, the one that can still move is on top.
        range.classList.toggle('front', end === 0 && place > steps / 2);
      });
    },
  };
}
