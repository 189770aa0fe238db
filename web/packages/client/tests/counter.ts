import type { Conversation, ConversationPage, EventKind, Message, RealtimeEvent } from '../src/types';

/** Numbers that look random and are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export const ME = 'agent-me';
const OTHER = 'agent-other';
const at = (tick: number) => new Date(Date.UTC(2026, 0, 1) + tick * 1000).toISOString();

/** A program in small: keeps conversations and tells what happens in them, by the rules of docs/protocol.md. */
export class Counter {
  conversations = new Map<string, Conversation>();
  messages = new Map<string, Message[]>();
  names = new Map<string, string>();
  log: { kind: EventKind; conversation: string; message: string | null; data: Record<string, unknown> }[] = [];
  private tick = 0;

  constructor(private readonly random: () => number) {}

  get position(): number {
    return this.log.length;
  }

  private pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  private tell(kind: EventKind, conversation: string, message: string | null = null, data = {}): void {
    const held = this.conversations.get(conversation) as Conversation;
    this.conversations.set(conversation, { ...held, version: held.version + 1 });
    this.log.push({ kind, conversation, message, data });
  }

  private change(id: string, change: Partial<Conversation>): void {
    this.conversations.set(id, { ...(this.conversations.get(id) as Conversation), ...change });
  }

  open(): void {
    const id = `c${String(this.conversations.size).padStart(3, '0')}`;
    const now = at(++this.tick);
    this.names.set(`contact-${id}`, `Name ${id}`);
    this.messages.set(id, []);
    this.conversations.set(id, {
      id,
      contact_id: `contact-${id}`,
      inbox_id: 'inbox',
      channel: 'web',
      status: 'open',
      priority: 'none',
      assignee_id: null,
      label_ids: [],
      last_seq: 0,
      inbound_count: 0,
      my_read_count: 0,
      my_read_seq: 0,
      last_message: null,
      waiting_since: null,
      last_activity_at: now,
      created_at: now,
      closed_at: null,
      contact_delivered_seq: 0,
      contact_read_seq: 0,
      agents_read_seq: 0,
      version: 0,
    });
    this.tell('ConversationOpened', id);
    this.say(id, 'contact');
  }

  say(id: string, kind: 'contact' | 'agent'): void {
    const held = this.conversations.get(id) as Conversation;
    const seq = held.last_seq + 1;
    const inbound = kind === 'contact';
    const message: Message = {
      id: `${id}-m${seq}`,
      conversation_id: id,
      inbox_id: 'inbox',
      seq,
      kind: 'message',
      author: { kind, id: inbound ? held.contact_id : OTHER, name: null },
      content: { type: 'text', text: `words ${seq}` },
      reply_to: null,
      created_at: at(++this.tick),
      delivery: inbound ? null : { state: 'queued', error: null },
    };
    this.messages.get(id)?.push(message);
    this.change(id, {
      last_seq: seq,
      inbound_count: held.inbound_count + (inbound ? 1 : 0),
      last_activity_at: message.created_at,
      waiting_since: inbound ? (held.waiting_since ?? message.created_at) : null,
      last_message: { seq, kind: 'message', author_kind: kind, author_id: message.author.id, content_type: 'text', preview: `words ${seq}` },
    });
    this.tell(inbound ? 'MessageReceived' : 'MessageSent', id, message.id);
  }

  private deliver(id: string): void {
    const messages = this.messages.get(id) ?? [];
    const index = messages.findIndex((message) => message.delivery?.state === 'queued');
    const message = messages[index];
    if (!message) return;
    messages[index] = { ...message, delivery: { state: 'delivered', error: null } };
    this.tell('DeliveryUpdated', id, message.id);
  }

  private read(id: string): void {
    const held = this.conversations.get(id) as Conversation;
    const agent_id = this.pick([ME, ME, OTHER]);
    if (agent_id === ME) this.change(id, { my_read_seq: held.last_seq, my_read_count: held.inbound_count });
    this.tell('ConversationRead', id, null, { agent_id, read_seq: held.last_seq, read_count: held.inbound_count });
  }

  /** Something happens. */
  step(): void {
    const ids = [...this.conversations.keys()];
    if (ids.length === 0 || this.random() < 0.08) return this.open();
    const id = this.pick(ids);
    const held = this.conversations.get(id) as Conversation;
    const acts: (() => void)[] = [
      () => this.say(id, 'contact'),
      () => this.say(id, 'agent'),
      () => this.deliver(id),
      () => this.read(id),
      () => {
        this.change(id, { assignee_id: this.pick([ME, OTHER, null]) });
        this.tell('ConversationAssigned', id);
      },
      () => {
        this.change(id, { status: held.status === 'open' ? 'closed' : 'open' });
        this.tell(held.status === 'open' ? 'ConversationClosed' : 'ConversationReopened', id);
      },
    ];
    this.pick(acts)();
  }

  /** The events after a position, each with its entities whole and as of now. */
  events(after: number): RealtimeEvent[] {
    return this.log.slice(after).map((entry, index) => {
      const whole = { ...(this.conversations.get(entry.conversation) as Conversation) } as Partial<Conversation>;
      delete whole.my_read_count;
      delete whole.my_read_seq;
      const message = this.messages.get(entry.conversation)?.find((one) => one.id === entry.message) ?? null;
      const contact = { id: whole.contact_id as string, name: this.names.get(whole.contact_id as string) ?? null, locale: null, avatar_url: null };
      return {
        position: after + index + 1,
        kind: entry.kind,
        occurred_at: at(this.tick),
        conversation_id: entry.conversation,
        conversation: whole as RealtimeEvent['conversation'],
        message,
        contact,
        data: entry.data,
      };
    });
  }

  page(belongs: (conversation: Conversation) => boolean): ConversationPage {
    const items = [...this.conversations.values()].filter(belongs);
    const contacts = items.map(({ contact_id: id }) => ({ id, name: this.names.get(id) ?? null, locale: null, avatar_url: null }));
    return { items, contacts, next_cursor: null, position: this.position };
  }
}
