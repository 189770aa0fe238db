import { type Api, HttpError } from './api';
import type { BlobStore } from './blobs';
import type { Env } from './env';
import { Line, type LineState } from './line';
import { Queue, type Waiting, type WaitingFile } from './queue';
import { Receipts } from './receipts';
import { Sender } from './sender';
import type { KeyStore, OutsideChange } from './storage';
import type { Tabs } from './tabs';
import { Timeline } from './timeline';
import type { OpenTransport } from './transports';
import { type Entry, entriesOf } from './view';
import type { Context, Face, FromServer, Quote, WidgetConversation } from './wire';

const TOKEN = 'token';
const TYPING_FOR = 6000;

export interface Snapshot {
  line: LineState;
  /** Whether this contact has ever written here. */
  known: boolean;
  entries: Entry[];
  conversation: WidgetConversation | null;
  agents: Face[];
  hasBefore: boolean;
  loadingBefore: boolean;
  typing: string | null;
  unread: number;
}

export interface EngineParts {
  env: Env;
  api: Api;
  store: KeyStore;
  blobs: BlobStore;
  tabs: Tabs;
  ways: OpenTransport[];
  changed(snapshot: Snapshot): void;
}

export interface Draft {
  text: string;
  replyTo: Quote | null;
  context: Context;
}

export interface DraftFile extends WaitingFile {
  blob: Blob;
  /** An address of the picture in this page, if it is one. */
  url: string | null;
}

/** Everything the frame does besides drawing: token, line, queue, history, receipts, typing. */
export class Engine {
  readonly #parts: EngineParts;
  readonly #timeline = new Timeline();
  readonly #queue: Queue;
  readonly #line: Line;
  readonly #sender: Sender;
  readonly #receipts: Receipts;
  readonly #durable = new Map<string, Waiting>();
  readonly #local = new Map<string, string>();
  #conversation: WidgetConversation | null = null;
  #agents: Face[] = [];
  #typing: string | null = null;
  #typingEnds: (() => void) | null = null;
  #loadingBefore = false;
  #visible = false;
  #askedFrom = 0;
  #retry: (() => void) | null = null;
  #refusals = 0;
  #shut = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#queue = new Queue(parts.store, parts.env);
    this.#receipts = new Receipts(parts.env, (delivered_seq, read_seq) =>
      this.#line.send({ type: 'receipt', delivered_seq, read_seq }),
    );
    this.#line = new Line(parts.ways, parts.env, () => this.#hello(), {
      frame: (frame) => this.#take(frame),
      changed: (state) => this.#lineChanged(state),
      tokenRefused: () => void this.#tokenRefused(),
    });
    this.#sender = new Sender({
      ...parts,
      queue: this.#queue,
      send: (frame) => this.#line.send(frame),
      token: () => this.#token(),
      changed: () => this.#changed(),
      doubt: () => this.#line.restart(),
      tokenRefused: () => void this.#tokenRefused(),
    });
  }

  /** Connects if this contact has written before, or has something waiting. Otherwise nothing leaves the browser. */
  start(): void {
    if (this.#token() !== null) this.#line.start();
    else if (this.#queue.list().some((item) => !item.error)) void this.#obtainToken();
    this.#changed();
  }

  stop(): void {
    this.#retry?.();
    this.#line.stop();
  }

  wake(): void {
    this.#line.wake();
    if (this.#retry) void this.#obtainToken();
  }

  lost(): void {
    this.#line.lost();
  }

  /** Says whether the messages are in front of someone. */
  see(visible: boolean): void {
    this.#visible = visible;
    this.#receipts.note(this.#timeline.list(), visible);
    this.#changed();
  }

  /** Puts a text on its way. It is kept before this returns. */
  write(draft: Draft): void {
    this.#enqueue(draft, null, this.#parts.env.uuid(), { type: 'text', text: draft.text });
  }

  /** Puts a file on its way, with the draft's text under it. The bytes are kept before the message shows. */
  async writeFile(draft: Draft, { blob, url, ...file }: DraftFile): Promise<void> {
    const clientId = this.#parts.env.uuid();
    await this.#parts.blobs.put(clientId, blob);
    if (url) this.#local.set(clientId, url);
    this.#enqueue(draft, file, clientId, null);
  }

  /** Tries a refused message once more. */
  retry(clientId: string): void {
    const item = this.#queue.get(clientId);
    if (!item?.error) return;
    this.#queue.put({ ...item, error: null, owner: this.#parts.tabs.id });
    this.#go();
  }

  /** Gives a message up; its text goes back to the writer. */
  discard(clientId: string): string {
    const text = this.#queue.get(clientId)?.text ?? '';
    this.#queue.remove(clientId);
    void this.#parts.blobs.remove(clientId);
    this.#changed();
    return text;
  }

  typing(on: boolean): void {
    if (this.#conversation?.status === 'open') this.#line.send({ type: 'typing', on });
  }

  async loadBefore(): Promise<void> {
    const token = this.#token();
    if (this.#loadingBefore || !this.#timeline.hasBefore || token === null) return;
    this.#loadingBefore = true;
    this.#changed();
    try {
      const page = await this.#parts.api.messages(token, this.#timeline.firstSeq);
      this.#timeline.prepend(page.items, page.has_before);
    } catch (error) {
      // The button stays where it is, for another try; only a refused token needs more.
      if (error instanceof HttpError && error.status === 401) void this.#tokenRefused();
    } finally {
      this.#loadingBefore = false;
      this.#changed();
    }
  }

  /** Another tab wrote something. */
  outside(change: OutsideChange): void {
    if (change.key === TOKEN && change.now !== null) this.#line.start();
    const gone = this.#queue.takeIn(change);
    if (gone?.removal === 'acknowledged') this.#durable.set(gone.item.client_id, gone.item);
    if (change.key !== 'draft') this.#changed();
  }

  #enqueue(draft: Draft, file: WaitingFile | null, clientId: string, content: Waiting['content']): void {
    this.#queue.put({
      client_id: clientId,
      order: this.#queue.nextOrder(),
      text: draft.text,
      content,
      file,
      reply_to: draft.replyTo,
      sent_at: new Date(this.#parts.env.now()).toISOString(),
      context: draft.context,
      owner: this.#parts.tabs.id,
      error: null,
    });
    this.#go();
  }

  #go(): void {
    this.#changed();
    if (this.#token() === null) void this.#obtainToken();
    else if (this.#line.state === 'online') void this.#sender.flush();
    else this.#line.start();
  }

  #token(): string | null {
    return this.#parts.store.get(TOKEN);
  }

  #hello(): { token: string; after_seq: number } {
    this.#askedFrom = this.#timeline.lastSeq;
    return { token: this.#token() ?? '', after_seq: this.#askedFrom };
  }

  /** Asks for a token; tabs do it one at a time, so that one contact comes out of it. */
  async #obtainToken(): Promise<void> {
    this.#retry?.();
    this.#retry = null;
    const { api, store, tabs, env } = this.#parts;
    try {
      await tabs.alone('token', async () => {
        if (this.#token() !== null) return;
        const token = await api.visitor();
        // Where tabs cannot take turns, another one may have been quicker.
        if (this.#token() === null) store.set(TOKEN, token);
      });
      this.#line.start();
    } catch (error) {
      // This page may not write here at all, or there is no such inbox: asking again would change nothing.
      this.#shut = error instanceof HttpError && (error.status === 403 || error.status === 404);
      if (!this.#shut) this.#retry = env.after(3000 + env.random() * 5000, () => void this.#obtainToken());
    }
    this.#changed();
  }

  /** Believes a refusal only when the server repeats it, and then starts a new conversation with the same queue. */
  async #tokenRefused(): Promise<void> {
    const { api, store, env } = this.#parts;
    const refused = this.#token();
    this.#line.stop();
    this.#refusals += 1;
    try {
      if (refused !== null) await api.session(refused);
    } catch (error) {
      if (error instanceof HttpError && error.status === 401 && this.#token() === refused) {
        store.remove(TOKEN);
        this.#timeline.clear();
        this.#durable.clear();
        this.#receipts.forget();
        this.#conversation = null;
      }
    }
    const pause = Math.min(30_000, 500 * 2 ** Math.min(this.#refusals, 6));
    env.after(pause * (0.5 + env.random() / 2), () => this.start());
    this.#changed();
  }

  #lineChanged(state: LineState): void {
    if (state === 'online') {
      this.#refusals = 0;
      this.#receipts.lineUp(this.#conversation);
      this.#receipts.note(this.#timeline.list(), this.#visible);
      this.#sender.lineUp();
    } else this.#sender.lineDown();
    this.#changed();
  }

  #take(frame: FromServer): void {
    switch (frame.type) {
      case 'welcome':
        this.#timeline.welcome(frame, this.#askedFrom);
        this.#conversation = frame.conversation;
        this.#agents = frame.agents;
        this.#arrived();
        break;
      case 'messages':
        this.#timeline.apply(frame.messages);
        this.#arrived();
        break;
      case 'conversation':
        this.#conversation = frame.conversation;
        break;
      case 'ack':
        this.#acknowledged(frame.client_id);
        break;
      case 'refused':
        this.#sender.refuse(frame.client_id, frame.error);
        break;
      case 'unavailable':
        if (frame.client_id !== null) this.#sender.postpone(frame.client_id, frame.retry_after);
        break;
      case 'typing':
        this.#hear(frame.author.name ?? '', frame.on);
        break;
    }
    this.#changed();
  }

  /** A message that came back is durable, even if its acknowledgement was lost with the line. */
  #arrived(): void {
    const messages = this.#timeline.list();
    for (const { client_id, author } of messages) {
      if (client_id === null) continue;
      this.#durable.delete(client_id);
      if (this.#queue.get(client_id)) this.#leave(client_id);
      if (author.kind === 'contact') this.#sender.settled(client_id);
    }
    if (messages.at(-1)?.author.kind === 'agent') this.#hear('', false);
    this.#receipts.note(messages, this.#visible);
  }

  #acknowledged(clientId: string): void {
    this.#sender.settled(clientId);
    const item = this.#queue.get(clientId);
    if (!item) return;
    const known = this.#timeline.list().some((message) => message.client_id === clientId);
    if (!known) this.#durable.set(clientId, item);
    this.#leave(clientId);
  }

  #leave(clientId: string): void {
    this.#queue.remove(clientId);
    void this.#parts.blobs.remove(clientId);
  }

  #hear(name: string, on: boolean): void {
    this.#typingEnds?.();
    this.#typingEnds = null;
    this.#typing = on ? name : null;
    if (on) {
      this.#typingEnds = this.#parts.env.after(TYPING_FOR, () => {
        this.#typing = null;
        this.#changed();
      });
    }
  }

  #changed(): void {
    const messages = this.#timeline.list();
    const readSeq = Math.max(this.#conversation?.contact_read_seq ?? 0, this.#receipts.readSeq);
    this.#parts.changed({
      line: this.#shut ? 'refused' : this.#retry ? 'waiting' : this.#line.state,
      known: this.#token() !== null,
      entries: entriesOf({
        messages,
        waiting: this.#queue.list(),
        durable: [...this.#durable.values()],
        conversation: this.#conversation,
        isSending: (clientId) => this.#sender.isSending(clientId),
        progress: this.#sender.progress,
        local: this.#local,
      }),
      conversation: this.#conversation,
      agents: this.#agents,
      hasBefore: this.#timeline.hasBefore,
      loadingBefore: this.#loadingBefore,
      typing: this.#typing,
      unread: messages.filter((message) => message.author.kind !== 'contact' && message.seq > readSeq).length,
    });
  }
}
