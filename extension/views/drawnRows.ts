/** Which rows of a tree have changed since they were last drawn: only these are drawn again, so that a live tree does not flicker. */

export interface Changes {
  /** Rows came, went or moved. */
  structure: boolean;
  /** Ids of rows that are there as before and look otherwise now. */
  changed: string[];
}

export class DrawnRows<Row extends { id: string }> {
  private drawn = new Map<string, string>();

  /** Compares with what was drawn last; rows are compared by all that they show. One that is `held` stays as it was drawn for now. */
  update(rows: readonly Row[], held: (id: string) => boolean = () => false): Changes {
    const next = new Map(rows.map((row) => [row.id, (held(row.id) ? this.drawn.get(row.id) : undefined) ?? JSON.stringify(row)]));
    const before = [...this.drawn.keys()], after = [...next.keys()];
    const structure = before.length !== after.length || after.some((id, i) => id !== before[i]);
    const changed = after.filter((id) => this.drawn.has(id) && this.drawn.get(id) !== next.get(id));
    this.drawn = next;
    return { structure, changed };
  }
}
