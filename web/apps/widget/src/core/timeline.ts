import type { Welcome, WidgetMessage } from './wire';

/** The messages the server has given, one per id, by seq. Applying the same twice changes nothing. */
export class Timeline {
  #byId = new Map<string, WidgetMessage>();
  #sorted: WidgetMessage[] | null = [];
  hasBefore = false;

  /** Highest seq held: what the server is asked to go on from. */
  get lastSeq(): number {
    return this.list().at(-1)?.seq ?? 0;
  }

  get firstSeq(): number {
    return this.list()[0]?.seq ?? 0;
  }

  list(): WidgetMessage[] {
    this.#sorted ??= [...this.#byId.values()].sort((a, b) => a.seq - b.seq);
    return this.#sorted;
  }

  find(id: string): WidgetMessage | undefined {
    return this.#byId.get(id);
  }

  /** New or changed messages replace those of the same id. */
  apply(messages: WidgetMessage[]): void {
    for (const message of messages) this.#byId.set(message.id, message);
    if (messages.length > 0) this.#sorted = null;
  }

  /** After a long absence the server gives only the newest: what was held before would then leave a hole, so it goes. */
  welcome(welcome: Welcome, afterSeq: number): void {
    if (welcome.has_before) this.clear();
    if (welcome.has_before || afterSeq === 0) this.hasBefore = welcome.has_before;
    this.apply(welcome.messages);
  }

  /** An earlier page of history. */
  prepend(items: WidgetMessage[], hasBefore: boolean): void {
    this.apply(items);
    this.hasBefore = hasBefore && items.length > 0;
  }

  clear(): void {
    this.#byId.clear();
    this.#sorted = null;
    this.hasBefore = false;
  }
}
