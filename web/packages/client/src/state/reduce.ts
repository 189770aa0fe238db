import type { Conversation, ContactBrief, EventConversation, Id, Message, RealtimeEvent } from '../types';
import { rearrange } from './lists';
import type { State } from './types';
import { withMessage } from './windows';

/** A batch being worked in: maps are copied once, at the first change, so that an idle batch costs nothing. */
class Draft {
  private copied = new Set<keyof State>();
  readonly changed = new Map<Id, Conversation>();

  constructor(public state: State) {}

  private own<K extends 'conversations' | 'contacts' | 'windows'>(key: K): Map<Id, unknown> {
    if (!this.copied.has(key)) {
      this.state = { ...this.state, [key]: new Map(this.state[key] as ReadonlyMap<Id, unknown>) };
      this.copied.add(key);
    }
    return this.state[key] as Map<Id, unknown>;
  }

  setConversation(conversation: Conversation): void {
    this.own('conversations').set(conversation.id, conversation);
    this.changed.set(conversation.id, conversation);
  }

  setContact(contact: ContactBrief): void {
    const held = this.state.contacts.get(contact.id);
    if (held && held.name === contact.name && held.locale === contact.locale && held.avatar_url === contact.avatar_url) return;
    this.own('contacts').set(contact.id, contact);
  }

  setMessage(message: Message): void {
    const held = this.state.windows.get(message.conversation_id);
    if (!held) return;
    const next = withMessage(held, message);
    if (next !== held) this.own('windows').set(message.conversation_id, next);
  }

  setUnsure(id: Id, unsure: boolean): void {
    if (this.state.unsure.has(id) === unsure) return;
    const next = new Set(this.state.unsure);
    if (unsure) next.add(id);
    else next.delete(id);
    this.state = { ...this.state, unsure: next };
  }
}

/** What I have read, as `ConversationRead` tells it: it only ever grows. */
function readBy(me: Id, event: RealtimeEvent): { seq: number; count: number } | null {
  const { agent_id, read_seq, read_count } = event.data;
  if (event.kind !== 'ConversationRead' || agent_id !== me) return null;
  return { seq: Number(read_seq), count: Number(read_count) };
}

function conversationFrom(draft: Draft, event: RealtimeEvent, incoming: EventConversation): void {
  const held = draft.state.conversations.get(incoming.id);
  if (held && incoming.version < held.version) return;
  const mine = held ?? { my_read_count: 0, my_read_seq: 0 };
  const whole = { ...incoming, my_read_count: mine.my_read_count, my_read_seq: mine.my_read_seq };
  if (!held && event.kind !== 'ConversationOpened') draft.setUnsure(incoming.id, true);
  if (!held || JSON.stringify(held) !== JSON.stringify({ ...held, ...whole })) draft.setConversation(whole);
}

function markRead(draft: Draft, event: RealtimeEvent, me: Id): void {
  const read = readBy(me, event);
  const held = event.conversation_id ? draft.state.conversations.get(event.conversation_id) : undefined;
  if (!read || !held) return;
  const seq = Math.max(held.my_read_seq, read.seq);
  const count = Math.max(held.my_read_count, read.count);
  if (seq === held.my_read_seq && count === held.my_read_count) return;
  draft.setConversation({ ...held, my_read_seq: seq, my_read_count: count });
}

/**
 * The state after these events, for the agent `me`. Pure; applying an event again, or one older than what is held, changes nothing.
 * Entities in events are whole and as of the time of sending, so the last one told wins.
 */
export function applyEvents(state: State, events: readonly RealtimeEvent[], position: number, me: Id): State {
  const draft = new Draft(state);
  for (const event of events) {
    if (event.contact) draft.setContact(event.contact);
    if (event.conversation) conversationFrom(draft, event, event.conversation);
    if (event.message) draft.setMessage(event.message);
    markRead(draft, event, me);
  }
  return settled(draft, Math.max(state.position, position), me);
}

function settled(draft: Draft, position: number, me: Id): State {
  const { state, changed } = draft;
  const lists = changed.size ? rearrange(state.lists, changed, state.conversations, me) : state.lists;
  if (position === state.position && lists === state.lists) return state;
  return { ...state, position, lists };
}

/** The state after an answer of the API told of these entities. The version decides here too; what I have read only grows. */
export function merge(
  state: State,
  told: { conversations?: readonly Conversation[]; contacts?: readonly ContactBrief[]; messages?: readonly Message[] },
  me: Id,
): State {
  const draft = new Draft(state);
  for (const contact of told.contacts ?? []) draft.setContact(contact);
  for (const conversation of told.conversations ?? []) {
    const held = draft.state.conversations.get(conversation.id);
    const sure = held && !draft.state.unsure.has(conversation.id);
    const my_read_seq = sure ? Math.max(held.my_read_seq, conversation.my_read_seq) : conversation.my_read_seq;
    const my_read_count = sure ? Math.max(held.my_read_count, conversation.my_read_count) : conversation.my_read_count;
    const newest = held && held.version > conversation.version ? held : conversation;
    draft.setConversation({ ...newest, my_read_seq, my_read_count });
    draft.setUnsure(conversation.id, false);
  }
  for (const message of told.messages ?? []) draft.setMessage(message);
  return settled(draft, state.position, me);
}
