import type { Api } from './api';
import type { BlobStore } from './blobs';
import type { Env } from './env';
import type { KeyStore } from './storage';
import type { Tabs } from './tabs';
import type { OpenTransport, TransportEvents } from './transports';
import type { FromFrame, FromServer, Hello, Welcome, WidgetMessage } from './wire';

/** Time that passes when a test says so; names that count up. */
export class TestEnv implements Env {
  #now = Date.UTC(2026, 0, 5, 9);
  #names = 0;
  #timers: { at: number; action: () => void }[] = [];

  now = (): number => this.#now;
  random = (): number => 0.5;
  uuid = (): string => `id-${(this.#names += 1)}`;

  after(ms: number, action: () => void): () => void {
    const timer = { at: this.#now + ms, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass, timer by timer, and promises settle in between. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const next = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = next.at;
      next.action();
    }
    this.#now = end;
    await settle();
  }
}

export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}

/** A map in the place of localStorage, which several tabs may share; `denied` refuses to keep anything. */
export class SharedStorage implements Storage {
  readonly map = new Map<string, string>();
  denied = false;
  [name: string]: unknown;
  get length(): number {
    return this.map.size;
  }
  key = (index: number): string | null => [...this.map.keys()][index] ?? null;
  getItem = (key: string): string | null => this.map.get(key) ?? null;
  setItem = (key: string, value: string): void => {
    if (this.denied) throw new DOMException('full', 'QuotaExceededError');
    this.map.set(key, value);
  };
  removeItem = (key: string): void => void this.map.delete(key);
  clear = (): void => this.map.clear();
}

export function memoryBlobs(): BlobStore {
  const held = new Map<string, Blob>();
  return {
    put: async (id, blob) => void held.set(id, blob),
    get: async (id) => held.get(id) ?? null,
    remove: async (id) => void held.delete(id),
  };
}

/** Tabs whose life a test decides. */
export function testTabs(id: string, alive: Set<string>): Tabs {
  alive.add(id);
  return { id, isAlive: async (tab) => alive.has(tab), alone: (_, work) => work() };
}

/** A server in a few lines: it knows tokens, keeps messages once per client_id, and lets a test cut the line. */
export class TestServer {
  readonly messages: WidgetMessage[] = [];
  readonly received: Extract<FromFrame, { type: 'send' }>[] = [];
  readonly receipts: { delivered_seq: number; read_seq: number }[] = [];
  readonly hellos: Hello[] = [];
  readonly tokens = new Set<string>();
  acknowledges = true;
  /** What becomes of a message: taken, lost on the way in, or refused by name. */
  mood: 'takes' | 'loses' | 'refuses' = 'takes';
  reachable = true;
  agentsRead = 0;
  /** At most so many messages come with a welcome. */
  page = 30;
  #lines = new Set<TransportEvents>();
  #made = 0;

  get lines(): number {
    return this.#lines.size;
  }

  readonly open: OpenTransport = (hello, on) => {
    const said = hello();
    this.hellos.push(said);
    void Promise.resolve().then(() => {
      if (!this.reachable) return on.closed(1006);
      if (!this.tokens.has(said.token)) return on.closed(4401);
      this.#lines.add(on);
      on.frame(this.welcome(said.after_seq));
    });
    return { send: (frame) => this.#take(frame, on), close: () => void this.#lines.delete(on) };
  };

  welcome(after: number): Welcome {
    const newer = this.messages.filter((message) => message.seq > after);
    const cut = newer.slice(-this.page);
    const has_before = cut.length < newer.length;
    return { type: 'welcome', visitor_id: 'v', conversation: this.conversation(), messages: cut, has_before, agents: [] };
  }

  conversation(): Welcome['conversation'] {
    if (this.messages.length === 0) return null;
    const last_seq = this.messages.at(-1)?.seq ?? 0;
    return { id: 'c', status: 'open', last_seq, agents_read_seq: this.agentsRead, contact_read_seq: this.receipts.at(-1)?.read_seq ?? 0 };
  }

  #take(frame: FromFrame, on: TransportEvents): void {
    if (frame.type === 'receipt') this.receipts.push(frame);
    if (frame.type !== 'send' || !this.#lines.has(on)) return;
    this.received.push(frame);
    if (this.mood === 'loses') return;
    if (this.mood === 'refuses') {
      const error = { code: 'message_too_long', message: 'Trop long.' };
      return on.frame({ type: 'refused', client_id: frame.client_id, error });
    }
    if (!this.messages.some((message) => message.client_id === frame.client_id)) {
      const text = frame.content.type === 'text' ? frame.content.text : frame.content.attachment.id;
      this.say(text, 'contact', frame.client_id);
    }
    if (this.acknowledges) on.frame({ type: 'ack', client_id: frame.client_id });
  }

  say(text: string, kind: 'contact' | 'agent' = 'agent', client_id: string | null = null): void {
    const seq = (this.messages.at(-1)?.seq ?? 0) + 1;
    const message: WidgetMessage = {
      id: `m${seq}`, client_id, seq, author: { kind, name: null }, content: { type: 'text', text }, reply_to: null,
      created_at: '2026-01-05T09:00:00.000Z',
    };
    this.messages.push(message);
    this.push({ type: 'messages', messages: [message] });
  }

  push(frame: FromServer): void {
    for (const line of this.#lines) line.frame(frame);
  }

  /** The lines break without a word. */
  cut(code = 1006): void {
    const lines = [...this.#lines];
    this.#lines.clear();
    for (const line of lines) line.closed(code);
  }

  api(over: Partial<Api> = {}): Api {
    const never = (): never => {
      throw new Error('not used in this story');
    };
    return {
      base: '', locale: 'en',
      visitor: async () => {
        const token = `t${(this.#made += 1)}`;
        this.tokens.add(token);
        return token;
      },
      session: async () => this.welcome(0),
      messages: async (_, before) => {
        const older = this.messages.filter((message) => message.seq < before);
        return { items: older.slice(-this.page), has_before: older.length > this.page };
      },
      send: never, receipt: never, typing: never, upload: never,
      ...over,
    };
  }
}

export type { KeyStore };
