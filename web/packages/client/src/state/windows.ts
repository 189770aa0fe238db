import type { Message, MessagePage } from '../types';
import type { MessageWindow } from './types';

export const emptyWindow: MessageWindow = { items: [], hasBefore: false, hasAfter: false, behind: false };

/** More than this many messages of one conversation are never held; the far end is let go and can be asked for again. */
export const MOST_HELD = 400;

const bySeq = (a: Message, b: Message) => a.seq - b.seq;

function union(held: readonly Message[], fetched: readonly Message[]): Message[] {
  const byId = new Map(held.map((message) => [message.id, message]));
  for (const message of fetched) byId.set(message.id, message);
  return [...byId.values()].sort(bySeq);
}

/** A first page, or one around a place: it replaces what was held, unless the two touch. */
export function opened(held: MessageWindow | undefined, page: MessagePage): MessageWindow {
  const fresh = { items: [...page.items].sort(bySeq), hasBefore: page.has_before, hasAfter: page.has_after, behind: false };
  const first = fresh.items[0]?.seq;
  const last = held?.items.at(-1)?.seq;
  // An event may have come while the page was under way: what follows on without a gap is kept.
  if (!held || first === undefined || last === undefined || page.has_after) return fresh;
  const end = fresh.items.at(-1)?.seq ?? first;
  const later = held.items.filter((message) => message.seq > end);
  const joins = later.length === 0 || later[0]?.seq === end + 1;
  return joins ? { ...fresh, items: [...fresh.items, ...later] } : { ...fresh, behind: true };
}

export function withEarlier(held: MessageWindow, page: MessagePage): MessageWindow {
  const items = union(held.items, page.items);
  const kept = items.slice(0, MOST_HELD);
  return { ...held, items: kept, hasBefore: page.has_before, hasAfter: held.hasAfter || kept.length < items.length };
}

export function withLater(held: MessageWindow, page: MessagePage): MessageWindow {
  const items = union(held.items, page.items);
  const kept = items.slice(-MOST_HELD);
  return { items: kept, hasBefore: held.hasBefore || kept.length < items.length, hasAfter: page.has_after, behind: false };
}

/** One message as an event or an answer brought it. */
export function withMessage(held: MessageWindow, message: Message): MessageWindow {
  const at = held.items.findIndex((item) => item.id === message.id);
  if (at >= 0) {
    if (same(held.items[at], message)) return held;
    return { ...held, items: held.items.map((item) => (item.id === message.id ? message : item)) };
  }
  const first = held.items[0]?.seq ?? 1;
  const last = held.items.at(-1)?.seq ?? 0;
  if (message.seq < first || held.hasAfter) return held;
  if (message.seq > last + 1) return held.behind ? held : { ...held, behind: true };
  return { ...held, items: [...held.items, message].sort(bySeq) };
}

function same(a: Message | undefined, b: Message): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
