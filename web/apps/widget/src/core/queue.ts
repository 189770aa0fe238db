import type { Env } from './env';
import type { KeyStore, OutsideChange } from './storage';
import type { Context, OutgoingContent, Quote, WireError } from './wire';

/** A file whose bytes wait beside the queue until they are uploaded. */
export interface WaitingFile {
  name: string;
  media_type: string;
  size: number;
  width: number | null;
  height: number | null;
}

/** A message written here and not yet acknowledged. */
export interface Waiting {
  client_id: string;
  /** Grows within and across tabs: messages go out in this order. */
  order: number;
  text: string;
  /** Null while the file is not uploaded, and for plain text. */
  content: OutgoingContent | null;
  file: WaitingFile | null;
  reply_to: Quote | null;
  sent_at: string;
  context: Context;
  /** The tab that sends it. */
  owner: string;
  /** Set when the server said that it never will take it. */
  error: WireError | null;
}

/** What a removal by another tab meant. */
export type Removal = 'acknowledged' | 'discarded';

const PREFIX = 'q:';

/**
 * The messages that are not acknowledged yet, each under a key of its own so that tabs never overwrite one another's.
 * A message is in storage before anyone sees it, and leaves it only when it is durable on the server or the writer gives it up.
 */
export class Queue {
  readonly #store: KeyStore;
  readonly #env: Env;
  readonly #items = new Map<string, Waiting>();
  #last = 0;

  constructor(store: KeyStore, env: Env) {
    this.#store = store;
    this.#env = env;
    for (const key of store.keys(PREFIX)) {
      const item = read(store.get(key));
      if (item) this.#items.set(item.client_id, item);
    }
  }

  /** All that waits, oldest first. */
  list(): Waiting[] {
    return [...this.#items.values()].sort((a, b) => a.order - b.order || (a.client_id < b.client_id ? -1 : 1));
  }

  get(clientId: string): Waiting | undefined {
    return this.#items.get(clientId);
  }

  /** A place in the order after everything known so far. */
  nextOrder(): number {
    const newest = Math.max(this.#last, ...[...this.#items.values()].map((item) => item.order));
    this.#last = Math.max(newest + 1, this.#env.now() * 1000);
    return this.#last;
  }

  put(item: Waiting): void {
    this.#store.set(PREFIX + item.client_id, JSON.stringify(item));
    this.#items.set(item.client_id, item);
  }

  remove(clientId: string): void {
    this.#store.remove(PREFIX + clientId);
    this.#items.delete(clientId);
  }

  /** Takes in what another tab wrote. Says what became of an item that it took out, or null. */
  takeIn(change: OutsideChange): { item: Waiting; removal: Removal } | null {
    if (!change.key.startsWith(PREFIX)) return null;
    const item = read(change.now);
    if (item) {
      this.#items.set(item.client_id, item);
      return null;
    }
    const gone = this.#items.get(change.key.slice(PREFIX.length)) ?? read(change.before);
    if (!gone) return null;
    this.#items.delete(gone.client_id);
    return { item: gone, removal: gone.error ? 'discarded' : 'acknowledged' };
  }
}

function read(text: string | null): Waiting | null {
  if (text === null) return null;
  try {
    const item = JSON.parse(text) as Partial<Waiting> | null;
    const whole = typeof item?.client_id === 'string' && typeof item.order === 'number' && (item.content || item.file);
    return whole ? (item as Waiting) : null;
  } catch {
    return null;
  }
}
