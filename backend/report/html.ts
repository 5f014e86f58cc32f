/** HTML by tagged templates: every value that is put in is escaped, save for HTML that was itself made here. */

export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | null | readonly Value[];

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => escapes[c]!);

function insert(value: Value): string {
  if (value === null) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(insert).join('');
  return escapeHtml(String(value));
}

/** Strings and numbers are escaped, null is nothing, arrays are joined. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(strings.reduce((text, part, i) => text + insert(values[i - 1] ?? null) + part));
}

/** JSON that may stand inside a script element: no `<` that could end it. */
export const embedJson = (value: unknown): Html => new Html(JSON.stringify(value).replace(/</g, '\\u003c'));
