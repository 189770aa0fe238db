import type { ConversationPage, Id, MessagePage } from '../types';
import { withPage } from './lists';
import { merge } from './reduce';
import type { MessageWindow, State, View } from './types';
import { emptyWindow, opened, withEarlier, withLater } from './windows';

/** One more page of a list. */
export function addPage(state: State, view: View, page: ConversationPage, me: Id): State {
  const merged = merge(state, { conversations: page.items, contacts: page.contacts }, me);
  const list = withPage(merged.lists[view], view, page, merged.conversations, me);
  return { ...merged, lists: { ...merged.lists, [view]: list } };
}

export type PageAt = 'open' | 'earlier' | 'later';

const JOIN: Record<PageAt, (held: MessageWindow, page: MessagePage) => MessageWindow> = {
  open: opened,
  earlier: withEarlier,
  later: withLater,
};

/** A page of messages: the first one (or one around a place), or one more at either end. */
export function addMessages(state: State, conversation: Id, page: MessagePage, at: PageAt): State {
  const held = state.windows.get(conversation) ?? emptyWindow;
  return { ...state, windows: new Map(state.windows).set(conversation, JOIN[at](held, page)) };
}

/** Lets go of the messages of conversations that are no longer open, all but the last few looked at. */
export function keepWindows(state: State, recent: readonly Id[]): State {
  const kept = [...state.windows].filter(([id]) => recent.includes(id));
  return kept.length === state.windows.size ? state : { ...state, windows: new Map(kept) };
}
