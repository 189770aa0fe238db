import { MOST, MOST_IN_ALL } from '../core/lending';

/** What the page's own storage holds under the prefix, for a frame that has none itself. Empty where the page has none either. */
export function lend(prefix: string): Record<string, string> {
  const found: Record<string, string> = {};
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(prefix)) found[key.slice(prefix.length)] = localStorage[key];
  } catch {
    // Then the frame's memory is all there is.
  }
  return found;
}

/** Keeps a string of bounded size, takes the entry out when `value` is null, ignores all else. Never throws, also when the quota is full. */
export function keep(prefix: string, key: unknown, value: unknown): void {
  try {
    if (value === null) localStorage.removeItem(prefix + key);
    else if (typeof value === 'string' && value.length <= MOST && (JSON.stringify(lend(prefix)) + key + value).length <= MOST_IN_ALL) {
      localStorage.setItem(prefix + key, value);
    }
  } catch {
    // As above.
  }
}
