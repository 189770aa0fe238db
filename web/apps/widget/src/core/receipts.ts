import type { Env } from './env';
import type { WidgetConversation, WidgetMessage } from './wire';

/** Tells the server how far the answers have arrived and been seen: once per step, and again after a lost line. */
export class Receipts {
  readonly #env: Env;
  readonly #send: (deliveredSeq: number, readSeq: number) => boolean;
  #told = { delivered: 0, read: 0 };
  #wanted = { delivered: 0, read: 0 };
  #pending = false;

  constructor(env: Env, send: (deliveredSeq: number, readSeq: number) => boolean) {
    this.#env = env;
    this.#send = send;
  }

  /** Highest seq that this reader has seen here. */
  get readSeq(): number {
    return this.#wanted.read;
  }

  lineUp(conversation: WidgetConversation | null): void {
    const read = conversation?.contact_read_seq ?? 0;
    this.#told = { delivered: read, read };
    this.#wanted = { delivered: Math.max(this.#wanted.delivered, read), read: Math.max(this.#wanted.read, read) };
  }

  forget(): void {
    this.#told = { delivered: 0, read: 0 };
    this.#wanted = { delivered: 0, read: 0 };
  }

  /** Looks at what is held; `seen` says that the panel is in front of someone. */
  note(messages: WidgetMessage[], seen: boolean): void {
    const last = messages.findLast((message) => message.author.kind !== 'contact')?.seq ?? 0;
    this.#wanted.delivered = Math.max(this.#wanted.delivered, last);
    if (seen) this.#wanted.read = Math.max(this.#wanted.read, last);
    const news = this.#wanted.delivered > this.#told.delivered || this.#wanted.read > this.#told.read;
    // A moment's pause makes one receipt of a burst.
    if (!news || this.#pending) return;
    this.#pending = true;
    this.#env.after(250, () => this.#tell());
  }

  #tell(): void {
    this.#pending = false;
    const { delivered, read } = this.#wanted;
    if (this.#send(delivered, read)) this.#told = { delivered, read };
  }
}
