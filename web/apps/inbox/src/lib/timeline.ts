import type { Conversation, DeliveryState, Message, Queued } from '@comptoir/client';

/** What one bubble shows, whether the program has it already or it is still on its way. */
export interface Said extends Omit<Message, 'delivery' | 'seq' | 'inbox_id'> {
  /** Null while it is on its way. */
  seq: number | null;
  receipt: DeliveryState | 'waiting' | 'refused' | null;
  error: { code: string; message: string | null } | null;
}

export type Entry =
  | { type: 'day'; key: string; instant: string }
  | { type: 'unread'; key: string }
  | { type: 'said'; key: string; said: Said; first: boolean; last: boolean };

const RANK: Partial<Record<DeliveryState, number>> = { sent: 1, delivered: 2, read: 3 };
const GROUP_WITHIN = 5 * 60_000;

/** The contact's own marks may know more than the delivery: who has read message 9 has read message 8. */
function receiptOf(message: Message, conversation: Conversation): DeliveryState | null {
  const told = message.delivery?.state ?? null;
  if (told === null || told === 'failed') return told;
  const seen =
    message.seq <= conversation.contact_read_seq ? 'read' : message.seq <= conversation.contact_delivered_seq ? 'delivered' : null;
  return seen && (RANK[seen] ?? 0) > (RANK[told] ?? 0) ? seen : told;
}

export function saidFrom(message: Message, conversation: Conversation): Said {
  const { delivery, ...rest } = message;
  return { ...rest, receipt: receiptOf(message, conversation), error: delivery?.error ?? null };
}

export function saidFromQueue(item: Queued, me: { id: string; name: string }): Said {
  const { id, conversation_id, kind, shown: content, reply_to, created_at, error } = item;
  const receipt = item.state === 'refused' ? 'refused' : 'waiting';
  return { id, conversation_id, kind, content, reply_to, created_at, error, receipt, seq: null, author: { kind: 'agent', ...me } };
}

const sameDay = (a: string, b: string): boolean => new Date(a).toDateString() === new Date(b).toDateString();

function joins(a: Said | undefined, b: Said | undefined): boolean {
  if (!a || !b) return false;
  const close = Math.abs(Date.parse(b.created_at) - Date.parse(a.created_at)) < GROUP_WITHIN && sameDay(a.created_at, b.created_at);
  return close && a.kind === b.kind && a.author.kind === b.author.kind && a.author.id === b.author.id;
}

/** Bubbles with the separators between them. `readSeq` is where the line "New" goes: after it, before the next inbound message. */
export function entriesOf(said: readonly Said[], readSeq: number | null): Entry[] {
  const entries: Entry[] = [];
  const firstUnread = readSeq === null ? -1 : said.findIndex((one) => one.author.kind === 'contact' && (one.seq ?? 0) > readSeq);
  said.forEach((one, at) => {
    const before = said[at - 1];
    const after = said[at + 1];
    if (!before || !sameDay(before.created_at, one.created_at)) {
      entries.push({ type: 'day', key: `day:${one.created_at.slice(0, 10)}:${one.id}`, instant: one.created_at });
    }
    if (at === firstUnread) entries.push({ type: 'unread', key: 'unread' });
    const first = at === firstUnread || !joins(before, one);
    const last = at + 1 === firstUnread || !joins(one, after);
    entries.push({ type: 'said', key: one.id, said: one, first, last });
  });
  return entries;
}
