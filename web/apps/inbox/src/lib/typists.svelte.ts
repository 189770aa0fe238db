import type { AuthorKind, Id, TypingAuthor } from '@comptoir/client';

const FORGET_AFTER = 6000;

/** Who is writing where. Nobody tells that they fell asleep over it, so it is forgotten after a while. */
export class Typists {
  private all = $state.raw<ReadonlyMap<Id, readonly TypingAuthor[]>>(new Map());
  private timers = new Map<string, ReturnType<typeof setTimeout>>();

  in(conversation: Id): readonly TypingAuthor[] {
    return this.all.get(conversation) ?? [];
  }

  /** Forgets the authors in question at `me`'s own desk: one does not watch oneself write. */
  set(conversation: Id, author: TypingAuthor, on: boolean, me: Id): void {
    if (author.kind === 'agent' && author.id === me) return;
    const key = `${conversation}:${author.kind}:${author.id}`;
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    const others = this.in(conversation).filter((one) => one.kind !== author.kind || one.id !== author.id);
    this.replace(conversation, on ? [...others, author] : others);
    if (on) this.timers.set(key, setTimeout(() => this.set(conversation, author, false, me), FORGET_AFTER));
  }

  /** What was being written has arrived. */
  clear(conversation: Id, kind: AuthorKind, id: Id | null): void {
    const rest = this.in(conversation).filter((one) => one.kind !== kind || (id !== null && one.id !== null && one.id !== id));
    if (rest.length !== this.in(conversation).length) this.replace(conversation, rest);
  }

  stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  private replace(conversation: Id, authors: readonly TypingAuthor[]): void {
    const next = new Map(this.all);
    if (authors.length) next.set(conversation, authors);
    else next.delete(conversation);
    this.all = next;
  }
}
