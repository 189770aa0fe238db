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

  /** After a long absence the server may give only the newest: what was held before would then leave a hole, so it goes. */
  welcome(welcome: Welcome, afterSeq: number): void {
    const first = welcome.messages[0]?.seq ?? 0;
    const hole = afterSeq > 0 && welcome.has_before && welcome.messages.length >= 30 && first > afterSeq + 1;
    if (hole) this.#byId.clear();
    if (hole || afterSeq === 0) this.hasBefore = welcome.has_before;
    this.apply(welcome.messages);
    if (hole) this.#sorted = null;
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
