import type { Attachment } from '@comptoir/messages';
import { type Api, HttpError } from './api';
import type { BlobStore } from './blobs';
import type { Env } from './env';
import type { Queue, Waiting } from './queue';
import type { Tabs } from './tabs';
import type { OutgoingContent, SendFrame, WireError } from './wire';

/** Milliseconds after which an unacknowledged message makes us doubt the line. */
const ACK_WITHIN = 20_000;
/** Milliseconds a connected tab leaves to another tab's message before it takes it over. */
const PATIENCE = 10_000;

export interface SenderParts {
  queue: Queue;
  blobs: BlobStore;
  tabs: Tabs;
  env: Env;
  api: Api;
  /** Puts a frame on the line; false when there is none. */
  send(frame: SendFrame): boolean;
  token(): string | null;
  changed(): void;
  /** The line must be made anew. */
  doubt(): void;
  tokenRefused(): void;
}

/**
 * Sends what waits, in order, each message by one tab. A message goes out again after a lost line, under the same client_id.
 * A file is uploaded in its turn; those behind it wait, so that order holds.
 */
export class Sender {
  readonly #parts: SenderParts;
  /** Sent on this line and not acknowledged: client_id to the time of sending. */
  readonly #inFlight = new Map<string, number>();
  readonly progress = new Map<string, number>();
  #running = false;
  #again = false;
  #upSince = 0;
  #watch: (() => void) | null = null;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  isSending(clientId: string): boolean {
    return this.#inFlight.has(clientId) || this.progress.has(clientId);
  }

  /** The line stands: whatever is not acknowledged goes out (again). */
  lineUp(): void {
    this.#inFlight.clear();
    this.#upSince = this.#parts.env.now();
    this.#watchOver();
    void this.flush();
  }

  lineDown(): void {
    this.#upSince = 0;
    this.#inFlight.clear();
    this.#watch?.();
    this.#watch = null;
  }

  settled(clientId: string): void {
    this.#inFlight.delete(clientId);
  }

  /** The server has no room just now: the message goes out again after `seconds`. */
  postpone(clientId: string, seconds: number): void {
    this.#parts.env.after(Math.max(0.5, seconds) * 1000, () => {
      this.settled(clientId);
      void this.flush();
    });
  }

  /** Sends all that is ours and ready. Runs one at a time. */
  async flush(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    try {
      do {
        this.#again = false;
        await this.#pass();
      } while (this.#again);
    } finally {
      this.#running = false;
    }
  }

  async #pass(): Promise<void> {
    await this.#adopt();
    for (const { client_id } of this.#parts.queue.list()) {
      if (!this.#upSince) return;
      const item = this.#parts.queue.get(client_id);
      if (!item || item.error || item.owner !== this.#parts.tabs.id || this.#inFlight.has(client_id)) continue;
      if (item.content === null && !(await this.#upload(item))) {
        if (this.#parts.queue.get(client_id)?.error) continue;
        return;
      }
      const ready = this.#parts.queue.get(client_id);
      if (ready?.content && !this.#dispatch(ready, ready.content)) return;
    }
  }

  #dispatch(item: Waiting, content: OutgoingContent): boolean {
    const { client_id, reply_to, sent_at, context } = item;
    this.#inFlight.set(client_id, this.#parts.env.now());
    const sent = this.#parts.send({ type: 'send', client_id, content, reply_to_id: reply_to?.id ?? null, sent_at, context });
    if (!sent) this.#inFlight.delete(client_id);
    this.#parts.changed();
    return sent;
  }

  /** Takes over what a tab that has gone, or sleeps, left behind. */
  async #adopt(): Promise<void> {
    const { queue, tabs, env, blobs } = this.#parts;
    const waited = this.#upSince > 0 && env.now() - this.#upSince > PATIENCE;
    const lives = new Map<string, Promise<boolean>>();
    for (const item of queue.list()) {
      if (item.owner === tabs.id || item.error) continue;
      const alive = lives.get(item.owner) ?? tabs.isAlive(item.owner);
      lives.set(item.owner, alive);
      // Where the browser keeps no files, only the tab that was given one has it.
      const ours = item.content !== null || (await blobs.get(item.client_id)) !== null;
      if (!(waited && ours) && (await alive)) continue;
      const still = queue.get(item.client_id);
      if (still && !still.error) queue.put({ ...still, owner: tabs.id });
    }
  }

  /** True when the item has its content; false when the line failed or the file was refused (the item then says why). */
  async #upload(item: Waiting): Promise<boolean> {
    const { queue, blobs, api, changed } = this.#parts;
    const token = this.#parts.token();
    const blob = await blobs.get(item.client_id);
    if (!blob || !item.file) {
      this.refuse(item.client_id, { code: 'file_gone', message: '' });
      return false;
    }
    if (!token) return false;
    this.progress.set(item.client_id, 0);
    changed();
    try {
      const attachment = await api.upload(token, {
        name: item.file.name,
        blob,
        progress: (part) => {
          this.progress.set(item.client_id, part);
          changed();
        },
      });
      const still = queue.get(item.client_id);
      if (still) queue.put({ ...still, content: contentOf(attachment, item.text) });
      return still !== undefined;
    } catch (error) {
      this.#uploadFailed(item.client_id, error);
      return false;
    } finally {
      this.progress.delete(item.client_id);
      changed();
    }
  }

  #uploadFailed(clientId: string, error: unknown): void {
    if (error instanceof HttpError && error.status === 401) this.#parts.tokenRefused();
    else if (error instanceof HttpError && error.final) this.refuse(clientId, error.error);
    else this.#parts.doubt();
  }

  /** The message will never be taken as it is: it stays, and says why. */
  refuse(clientId: string, error: WireError): void {
    this.settled(clientId);
    const item = this.#parts.queue.get(clientId);
    if (item) this.#parts.queue.put({ ...item, error, owner: this.#parts.tabs.id });
    this.#parts.changed();
  }

  #watchOver(): void {
    this.#watch?.();
    this.#watch = this.#parts.env.after(5000, () => {
      const now = this.#parts.env.now();
      const overdue = [...this.#inFlight.values()].some((since) => now - since > ACK_WITHIN);
      if (overdue) this.#parts.doubt();
      else void this.flush();
      if (this.#upSince) this.#watchOver();
    });
  }
}

/** The server says what a file is; only a picture with known measures is shown as one. */
export function contentOf(attachment: Attachment, text: string): OutgoingContent {
  const kind = attachment.media_type.split('/')[0];
  const type = kind === 'image' ? (attachment.width ? 'image' : 'file') : kind === 'video' || kind === 'audio' ? kind : 'file';
  return { type, attachment: { id: attachment.id }, text };
}
