import { unread, type Conversation, type MessageWindow } from '@comptoir/client';
import { tick } from 'svelte';
import { attention } from './focus.svelte';
import { Scroller } from './scroller';
import type { Workspace } from './workspace.svelte';

const FLASH_FOR = 1600;
const PAUSE_AFTER_FAILURE = 3000;

/** Somebody reading one conversation: where they are, what they have seen, and what must be fetched before they get there. */
export class Reader {
  atBottom = $state(true);
  /** Loading at either end waits until the first place has been found. */
  placed = $state(false);
  loading = $state(false);
  flashed = $state<number | null>(null);
  /** Where the line "New" stands: after this seq. It stays while the conversation is open, and goes when one answers. */
  readSeq = $state<number | null>(null);
  seenSeq = $state(0);
  private scroller: Scroller | null = null;

  constructor(
    private readonly workspace: Workspace,
    private readonly conversation: () => Conversation,
    private readonly held: () => MessageWindow,
  ) {
    this.readSeq = unread(conversation()) > 0 ? conversation().my_read_seq : null;
    this.seenSeq = conversation().last_seq;
  }

  /** Takes on the scrolling column; gives back how to let go of it. */
  attach(box: HTMLElement, seq: number | null): () => void {
    const scroller = (this.scroller = new Scroller(box));
    void this.place(box, seq);
    const grown = new ResizeObserver(() => {
      if (this.atBottom && this.placed) scroller.toBottom();
    });
    grown.observe(box);
    for (const child of box.children) grown.observe(child);
    return () => {
      grown.disconnect();
      this.scroller = null;
    };
  }

  /** First sight: the message asked for, else where reading stopped, else the end. */
  private async place(box: HTMLElement, seq: number | null): Promise<void> {
    await tick();
    const mark = box.querySelector('[data-unread]');
    if (seq && this.scroller?.find(seq)) this.flash(seq);
    else if (mark) this.scroller?.show(mark);
    else this.scroller?.toBottom();
    this.placed = true;
    this.look();
  }

  private flash(seq: number): void {
    const element = this.scroller?.find(seq);
    if (!element) return;
    this.scroller?.show(element);
    this.flashed = seq;
    setTimeout(() => (this.flashed = null), FLASH_FOR);
  }

  /** Goes to a message, fetching what lies around it if it is not held. */
  async jump(seq: number): Promise<void> {
    if (!this.scroller?.find(seq)) {
      await this.workspace.loadMessages(this.conversation().id, { around_seq: seq }, 'open').catch(() => undefined);
      await tick();
    }
    this.atBottom = false;
    this.flash(seq);
  }

  async toLatest(): Promise<void> {
    if (this.held().hasAfter) await this.workspace.loadMessages(this.conversation().id, {}, 'open').catch(() => undefined);
    await tick();
    this.scroller?.toBottom();
    this.look();
  }

  /** One more page at an end, without moving what is being read. */
  async extend(at: 'earlier' | 'later'): Promise<void> {
    const { items } = this.held();
    const edge = at === 'earlier' ? items[0]?.seq : items.at(-1)?.seq;
    if (this.loading || !this.scroller) return;
    this.loading = true;
    const stay = this.atBottom && at === 'later';
    const around = at === 'earlier' ? { before_seq: edge ?? 1 } : { after_seq: edge ?? 0 };
    const call = () =>
      this.workspace
        .loadMessages(this.conversation().id, around, at)
        .catch(() => new Promise((done) => setTimeout(done, PAUSE_AFTER_FAILURE)));
    await this.scroller.keepPlace(call);
    if (stay) this.scroller.toBottom();
    this.loading = false;
    this.look();
  }

  /** Something was said, or the reader came back: stays at the end if that is where they were. */
  async heard(own: boolean): Promise<void> {
    if (own) this.readSeq = null;
    if (!this.placed) return;
    const stay = this.atBottom || own;
    await tick();
    if (own && this.held().hasAfter) await this.toLatest();
    else if (stay) this.scroller?.toBottom();
    this.look();
  }

  /** What arrives while nobody looks gets its line. */
  whileAway(): void {
    if (!attention.here && unread(this.conversation()) > 0) this.readSeq ??= this.conversation().my_read_seq;
  }

  look = (): void => {
    const { scroller } = this;
    if (!this.placed || !scroller) return;
    const conversation = this.conversation();
    const held = this.held();
    this.atBottom = !held.hasAfter && scroller.atBottom;
    if (this.atBottom) this.seenSeq = Math.max(this.seenSeq, conversation.last_seq);
    if (held.hasBefore && scroller.nearTop) void this.extend('earlier');
    else if (held.hasAfter && scroller.nearBottom) void this.extend('later');
    if (!attention.here || !this.workspace.mayWrite) return;
    const complete = this.atBottom && (held.items.at(-1)?.seq ?? 0) >= conversation.last_seq;
    this.workspace.markRead(conversation, complete ? conversation.last_seq : scroller.lastVisible());
  };
}
