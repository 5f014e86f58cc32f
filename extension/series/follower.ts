/** What follows the files of one run and puts their numbers into its series. */
export interface Follower {
  /** When its files last changed, in milliseconds since 1970; null before they were read. */
  readonly grown: number | null;
  /** Share of the files that has been read. */
  readonly read: number;
  /** What there is to say about the files. */
  readonly notes: string[];
  /** Takes in what is new, telling after each piece; whether there was anything. Throws InputError where the files cannot be read. */
  update(onPiece: () => void): Promise<boolean>;
}
