import { type Locale, previewOf } from '@comptoir/messages';
import { openApi } from '../core/api';
import { openBlobs } from '../core/blobs';
import { Engine, type Snapshot } from '../core/engine';
import { browserEnv } from '../core/env';
import { characters, measure, MOST_BYTES, MOST_CHARACTERS, MOST_FILES } from '../core/files';
import type { KeyStore } from '../core/storage';
import { openTabs } from '../core/tabs';
import { fetched, openSocket } from '../core/transports';
import type { Entry } from '../core/view';
import type { Context, Quote } from '../core/wire';
import type { Keeping } from './keeping';

const DRAFT = 'draft';
const TYPING_EVERY = 3000;

/** A file chosen and not sent yet. */
export interface Staged {
  id: string;
  name: string;
  media_type: string;
  size: number;
  width: number | null;
  height: number | null;
  blob: Blob;
  url: string | null;
}

export type FileProblem = { key: 'fileTooLarge' | 'fileEmpty'; name: string } | { key: 'tooManyFiles' };

const NOTHING: Snapshot = {
  line: 'idle',
  known: false,
  entries: [],
  conversation: null,
  agents: [],
  hasBefore: false,
  loadingBefore: false,
  typing: null,
  unread: 0,
};

/** Where the writer is, as far as the server takes it: a shop's addresses and titles may be of any length. */
export function placeOf({ url = '', title = '', referrer = '' }: Context): Context {
  return { url: url.slice(0, 2000), title: title.slice(0, 300), referrer: referrer.slice(0, 2000) };
}

/** The frame's working state: what the engine says, and what is being written. */
export class Desk {
  snapshot = $state.raw<Snapshot>(NOTHING);
  text = $state('');
  replyTo = $state.raw<Quote | null>(null);
  staged = $state.raw<Staged[]>([]);
  problem = $state.raw<FileProblem | null>(null);
  /** Where the writer is on the shop's site, as the loader last told it. */
  place: Context = {};
  readonly excess = $derived(Math.max(0, characters(this.text) - MOST_CHARACTERS));
  readonly ready = $derived(this.excess === 0 && (this.text.trim() !== '' || this.staged.length > 0));
  readonly #engine: Engine;
  readonly #store: KeyStore;
  #sending = false;
  #toldTyping = 0;
  #typingEnds: (() => void) | null = null;

  constructor(inboxId: string, locale: Locale, keeping: Keeping) {
    const env = browserEnv;
    const api = openApi(`/widget/api/${inboxId}`, locale);
    this.#store = keeping.store;
    this.text = this.#store.get(DRAFT) ?? '';
    this.#engine = new Engine({
      env,
      api,
      store: this.#store,
      blobs: openBlobs(inboxId),
      tabs: openTabs(inboxId, env),
      ways: [
        openSocket(api.base),
        fetched(async () => (await import('./extras')).openStream(api)),
        fetched(async () => (await import('./extras')).openPoll(api, env)),
      ],
      changed: (snapshot) => (this.snapshot = snapshot),
    });
    keeping.watch((change) => this.#engine.outside(change));
    window.addEventListener('online', () => this.#engine.wake());
    window.addEventListener('offline', () => this.#engine.lost());
    window.addEventListener('pageshow', () => this.#engine.wake());
    window.addEventListener('pagehide', () => this.keepDraft());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#engine.wake();
      else this.keepDraft();
    });
    this.#engine.start();
  }

  see(visible: boolean): void {
    this.#engine.see(visible);
  }

  loadBefore(): Promise<void> {
    return this.#engine.loadBefore();
  }

  retry(entry: Entry): void {
    if (entry.clientId) this.#engine.retry(entry.clientId);
  }

  /** A refused message leaves the log; its text goes back into the composer. */
  takeBack(entry: Entry): void {
    const text = entry.clientId ? this.#engine.discard(entry.clientId) : '';
    if (text) this.text = this.text.trim() ? `${this.text}\n${text}` : text;
    this.keepDraft();
  }

  reply(entry: Entry, locale: Locale): void {
    if (entry.id === null || entry.seq === null) return;
    this.replyTo = { id: entry.id, seq: entry.seq, author_kind: entry.author.kind, preview: previewOf(entry.content, locale) };
  }

  /** Sends what is written: one file carries the text under it, several go first and the text after them. */
  async send(): Promise<void> {
    if (!this.ready || this.#sending) return;
    this.#sending = true;
    const [text, files, replyTo, context] = [this.text.trim(), this.staged, this.replyTo, this.#context()];
    this.text = '';
    this.staged = [];
    this.replyTo = null;
    this.problem = null;
    this.#stopTyping();
    const together = files.length === 1;
    // The bytes are in storage before the message shows; the draft goes only after that.
    for (const [index, { id: _, ...file }] of files.entries()) {
      await this.#engine.writeFile({ text: together ? text : '', replyTo: index === 0 ? replyTo : null, context }, file);
    }
    if (text && !together) this.#engine.write({ text, replyTo: files.length === 0 ? replyTo : null, context });
    this.#sending = false;
    this.keepDraft();
  }

  #context(): Context {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    return { ...this.place, locale: navigator.language, time_zone: timeZone };
  }

  async stage(files: Iterable<File>): Promise<void> {
    this.problem = null;
    for (const file of files) {
      if (this.staged.length >= MOST_FILES) this.problem = { key: 'tooManyFiles' };
      else if (file.size > MOST_BYTES) this.problem = { key: 'fileTooLarge', name: file.name };
      else if (file.size === 0) this.problem = { key: 'fileEmpty', name: file.name };
      else this.staged = [...this.staged, await staged(file)];
    }
  }

  unstage(id: string): void {
    const gone = this.staged.find((file) => file.id === id);
    if (gone?.url) URL.revokeObjectURL(gone.url);
    this.staged = this.staged.filter((file) => file.id !== id);
    this.problem = null;
  }

  typed(): void {
    this.#typingEnds?.();
    if (this.text === '') {
      this.#stopTyping();
      return;
    }
    if (browserEnv.now() - this.#toldTyping > TYPING_EVERY) {
      this.#toldTyping = browserEnv.now();
      this.#engine.typing(true);
    }
    this.#typingEnds = browserEnv.after(5000, () => this.#stopTyping());
    this.keepDraft();
  }

  #stopTyping(): void {
    this.#typingEnds?.();
    this.#typingEnds = null;
    if (this.#toldTyping > 0) this.#engine.typing(false);
    this.#toldTyping = 0;
  }

  /** A draft outlives the page; one beyond any message's size is not worth the storage. */
  keepDraft(): void {
    // While files are being put away, the draft on the disk still holds the text that goes with them.
    if (this.#sending) return;
    if (this.text === '') this.#store.remove(DRAFT);
    else if (this.text.length <= 200_000) this.#store.set(DRAFT, this.text);
  }
}

async function staged(file: File): Promise<Staged> {
  const { width, height } = await measure(file);
  const media_type = file.type || 'application/octet-stream';
  return {
    id: browserEnv.uuid(),
    name: file.name,
    media_type,
    size: file.size,
    width,
    height,
    blob: file,
    url: width ? URL.createObjectURL(file) : null,
  };
}
