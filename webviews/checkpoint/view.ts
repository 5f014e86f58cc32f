/** What the user chose, which outlives the page. */

export interface ViewState {
  query: string;
  /** Keys of open groups. */
  open: string[];
  /** Sections that are unfolded. */
  sections: string[];
  /** Bars of histograms by their logarithm. */
  logCounts: boolean;
}

const isTexts = (value: unknown, most: number): value is string[] => Array.isArray(value) && value.length <= most && value.every((item) => typeof item === 'string' && item.length <= 400);

/** Whatever was kept, as far as it makes sense. */
export function restoreView(kept: unknown): ViewState {
  const { query, open, sections, logCounts } = (typeof kept === 'object' && kept !== null ? kept : {}) as Record<string, unknown>;
  return { query: typeof query === 'string' ? query.slice(0, 1000) : '', open: isTexts(open, 5000) ? open : [], sections: isTexts(sections, 50) ? sections : [], logCounts: logCounts === true };
}
