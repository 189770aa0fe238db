import type { Env } from './env';
import { type FromBorrower, type FromLender, MOST } from './lending';
import type { KeyStore, OutsideChange } from './storage';

/** How long the frame waits for the loader's answer, in milliseconds; a page that is busier than that gets a frame with memory first. */
const LENT_WITHIN = 3000;

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);

/**
 * What the frame keeps where the browser denies it storage: everything in memory, and every change told to the loader, which keeps it
 * in the host page's storage. Until the loader has answered nothing is told, so that an answer in the making is never overwritten.
 */
export class LentStore implements KeyStore {
  readonly #tell: (word: FromBorrower) => void;
  readonly #held = new Map<string, string>();
  #arrived = false;
  #ready: () => void = () => undefined;
  #changed: (change: OutsideChange) => void = () => undefined;

  constructor(tell: (word: FromBorrower) => void) {
    this.#tell = tell;
  }

  /** Asks for the entries. Ends when they are there, or when waiting longer would keep the reader from the conversation. */
  borrow(env: Env): Promise<void> {
    return new Promise((resolve) => {
      this.#ready = resolve;
      env.after(LENT_WITHIN, resolve);
      this.#tell({ comptoir: 'lend' });
    });
  }

  /** Names the listener for what other tabs write, and for what comes late. */
  watch(changed: (change: OutsideChange) => void): void {
    this.#changed = changed;
  }

  /** Takes the loader's words; any other word, or one of a wrong shape, changes nothing. */
  hear(word: { comptoir: string } | FromLender): void {
    if (word.comptoir === 'lent' && 'entries' in word) this.#take(word.entries);
    else if (word.comptoir === 'stored' && 'key' in word) {
      const { key, now } = word;
      if (!this.#arrived || !isText(key) || !isTextOrNull(now)) return;
      const before = this.get(key);
      this.#hold(key, now);
      this.#changed({ key, now, before });
    }
  }

  get(key: string): string | null {
    return this.#held.get(key) ?? null;
  }

  set(key: string, value: string): boolean {
    this.#hold(key, value);
    if (!this.#arrived || value.length > MOST) return false;
    this.#tell({ comptoir: 'keep', key, value });
    return true;
  }

  remove(key: string): void {
    this.#hold(key, null);
    if (this.#arrived) this.#tell({ comptoir: 'keep', key, value: null });
  }

  keys(prefix: string): string[] {
    return [...this.#held.keys()].filter((key) => key.startsWith(prefix));
  }

  #hold(key: string, value: string | null): void {
    if (value === null) this.#held.delete(key);
    else this.#held.set(key, value);
  }

  /** Only the first answer counts. What was written here meanwhile stays and is told now; the rest is news. */
  #take(entries: unknown): void {
    if (this.#arrived || typeof entries !== 'object' || entries === null) return;
    this.#arrived = true;
    for (const [key, value] of this.#held) this.set(key, value);
    for (const [key, now] of Object.entries(entries)) {
      if (this.#held.has(key) || !isText(now)) continue;
      this.#held.set(key, now);
      this.#changed({ key, now, before: null });
    }
    this.#ready();
  }
}
