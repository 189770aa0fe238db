import { ApiError, mayPass } from './http';
import type { Content, Id, Message, MessageKind, NewMessage, ReplyTo, SentContent } from './types';

/** A message on its way: kept in the browser's storage until the program has it. */
export interface Queued {
  id: Id;
  conversation_id: Id;
  kind: MessageKind;
  sent: SentContent;
  /** As shown meanwhile. */
  shown: Content;
  reply_to: ReplyTo | null;
  created_at: string;
  /** `waiting` is tried again by itself; `refused` waits for the person. */
  state: 'waiting' | 'sending' | 'refused';
  error: { code: string; message: string } | null;
}

export interface QueueStorage {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface QueueSettings {
  /** Keys begin with this; one key per message, so that two tabs never overwrite each other. */
  prefix: string;
  storage: QueueStorage;
  send(conversation: Id, message: NewMessage): Promise<Message>;
  /** The program has it; called once per message of this tab. */
  onSent(message: Message): void;
  onChange(items: readonly Queued[]): void;
  /** Milliseconds to wait before trial `n` (from 1). */
  pause?: (trial: number) => number;
}

const backoff = (trial: number): number => Math.min(30_000, 1000 * 2 ** (trial - 1)) * (0.75 + Math.random() / 2);

/**
 * Sends in order within a conversation, each message until the program answers. The id made here is the idempotency key, so a send
 * that is repeated after a lost answer, a reload or in a second tab makes one message.
 */
export class SendQueue {
  private items: Queued[] = [];
  private busy = new Set<Id>();
  private trials = new Map<Id, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;

  constructor(private readonly settings: QueueSettings) {
    this.items = this.stored();
    for (const item of this.items) if (item.state === 'sending') item.state = 'waiting';
  }

  /** Tells what is queued and sends it. */
  start(): void {
    this.told();
    this.flush();
  }

  /** Leaves the rest in the storage, for the next page that opens this queue. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  add(item: Omit<Queued, 'state' | 'error'>): void {
    this.items = [...this.items, { ...item, state: 'waiting', error: null }];
    this.store(item.id);
    this.told();
    this.flush();
  }

  /** Tries a refused message again. */
  retry(id: Id): void {
    this.change(id, { state: 'waiting', error: null });
    this.flush();
  }

  /** Takes a message out and gives it back, so that its text can return to the composer. */
  discard(id: Id): Queued | undefined {
    const found = this.items.find((item) => item.id === id);
    this.remove(id);
    return found;
  }

  /** An event told that the program has it. */
  confirm(id: Id): void {
    if (this.items.some((item) => item.id === id)) this.remove(id);
  }

  /** The line is back, or may be: everything that waits is tried now. */
  flush(): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    const conversations = new Set(this.items.map((item) => item.conversation_id));
    for (const conversation of conversations) void this.drain(conversation);
  }

  private async drain(conversation: Id): Promise<void> {
    if (this.busy.has(conversation)) return;
    this.busy.add(conversation);
    try {
      for (let next = this.next(conversation); next; next = this.next(conversation)) {
        if (!(await this.trySend(next))) break;
      }
    } finally {
      this.busy.delete(conversation);
    }
  }

  private next(conversation: Id): Queued | undefined {
    if (this.stopped) return undefined;
    return this.items.find((item) => item.conversation_id === conversation && item.state === 'waiting');
  }

  /** False when the line is to blame, and those behind must wait too. */
  private async trySend(item: Queued): Promise<boolean> {
    this.change(item.id, { state: 'sending' });
    try {
      const { id, kind, sent: content, reply_to } = item;
      const message = await this.settings.send(item.conversation_id, { id, kind, content, reply_to_id: reply_to?.id ?? null });
      this.trials.delete(item.id);
      this.settings.onSent(message);
      this.remove(item.id);
      return true;
    } catch (error) {
      if (mayPass(error) || !(error instanceof ApiError) || error.status === 401) {
        this.change(item.id, { state: 'waiting' });
        this.later(item.id);
        return false;
      }
      this.change(item.id, { state: 'refused', error: { code: error.code, message: error.message } });
      return true;
    }
  }

  private later(id: Id): void {
    const trial = (this.trials.get(id) ?? 0) + 1;
    this.trials.set(id, trial);
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => this.flush(), (this.settings.pause ?? backoff)(trial));
  }

  private change(id: Id, change: Partial<Queued>): void {
    this.items = this.items.map((item) => (item.id === id ? { ...item, ...change } : item));
    this.store(id);
    this.told();
  }

  private remove(id: Id): void {
    this.items = this.items.filter((item) => item.id !== id);
    this.quietly(() => this.settings.storage.removeItem(this.settings.prefix + id));
    this.told();
  }

  private store(id: Id): void {
    const item = this.items.find((candidate) => candidate.id === id);
    if (item && !this.stopped) this.quietly(() => this.settings.storage.setItem(this.settings.prefix + id, JSON.stringify(item)));
  }

  private stored(): Queued[] {
    const found: Queued[] = [];
    this.quietly(() => {
      const { storage, prefix } = this.settings;
      for (let index = 0; index < storage.length; index++) {
        const key = storage.key(index);
        const value = key?.startsWith(prefix) ? storage.getItem(key) : null;
        if (value) found.push(JSON.parse(value) as Queued);
      }
    });
    return found.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Storage may be full or closed; what is in memory is sent all the same. */
  private quietly(action: () => void): void {
    try {
      action();
    } catch {
      // Nothing to do: the message stays in memory.
    }
  }

  private told(): void {
    this.settings.onChange(this.items);
  }
}
