/** What the user chose to see of a study's table: kept across reloads, by names that last. */

export interface ViewState {
  panel: string;
  /** The column that rows are sorted by within their groups, and how; null: as the file has them. */
  sort: { column: string; descending: boolean } | null;
  /** Names of rows whose runs are listed. */
  open: string[];
}

/** The state that the editor kept, whatever its shape. */
export function restoreView(saved: unknown): ViewState {
  const { panel, sort, open } = (typeof saved === 'object' && saved !== null ? saved : {}) as Record<string, unknown>;
  const { column, descending } = (typeof sort === 'object' && sort !== null ? sort : {}) as Record<string, unknown>;
  return {
    panel: typeof panel === 'string' ? panel : '',
    sort: typeof column === 'string' && typeof descending === 'boolean' ? { column, descending } : null,
    open: Array.isArray(open) ? open.filter((name): name is string => typeof name === 'string').slice(0, 1000) : [],
  };
}
