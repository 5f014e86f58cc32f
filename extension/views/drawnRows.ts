/** Which rows of a tree have changed since they were last drawn: only these are drawn again, so that a live tree does not flicker. */

export interface Changes {
  /** Rows came, went or moved. */
  structure: boolean;
  /** Ids of rows that are there as before and look otherwise now. */
  changed: string[];
}

export class DrawnRows<Row extends { id: string }> {
  private drawn = new Map<string, string>();

  /** Compares with what was given last time; rows are compared by all that they show. */
  update(rows: readonly Row[]): Changes {
    const next = new Map(rows.map((row) => [row.id, JSON.stringify(row)]));
    const before = [...this.drawn.keys()], after = [...next.keys()];
    const structure = before.length !== after.length || after.some((id, i) => id !== before[i]);
    const changed = after.filter((id) => this.drawn.has(id) && this.drawn.get(id) !== next.get(id));
    this.drawn = next;
    return { structure, changed };
  }
}
