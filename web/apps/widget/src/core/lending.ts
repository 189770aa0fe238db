/** What the loader and the frame agree on when the browser denies storage to the frame: see docs/decisions/0006. */

/** The longest value that is lent a place, and how much all entries may take as JSON; both in UTF-16 units. */
export const MOST = 65_536;
export const MOST_IN_ALL = 262_144;

/** What the frame asks of the loader. A value of `null` takes the entry out. */
export type FromBorrower = { comptoir: 'lend' } | { comptoir: 'keep'; key: string; value: string | null };

/** What the loader answers, and what it tells of the host's other tabs. */
export type FromLender =
  | { comptoir: 'lent'; entries: Record<string, string> }
  | { comptoir: 'stored'; key: string; now: string | null };
