import type { Conversation, ConversationPage, Id } from '../types';
import type { ListState, State, View } from './types';
import { VIEWS } from './types';

export function belongs(view: View, conversation: Conversation, me: Id): boolean {
  if (view === 'closed') return conversation.status === 'closed';
  if (conversation.status !== 'open') return false;
  if (view === 'mine') return conversation.assignee_id === me;
  return view === 'open' || conversation.assignee_id === null;
}

/** Negative when `a` stands above `b`: newest activity first, then the newest id. */
export function compare(a: Conversation, b: Conversation): number {
  if (a.last_activity_at !== b.last_activity_at) return a.last_activity_at < b.last_activity_at ? 1 : -1;
  if (a.id === b.id) return 0;
  return a.id < b.id ? 1 : -1;
}

type Known = ReadonlyMap<Id, Conversation>;

/** Where a conversation stands in a sorted list: the index of the first that is not above it. */
function place(ids: readonly Id[], conversation: Conversation, known: Known): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = known.get(ids[middle] ?? '');
    if (other && compare(other, conversation) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Takes a conversation out of one list and puts it where it now belongs, if that part of the list is loaded. */
function replace(list: ListState, view: View, conversation: Conversation, known: Known, me: Id): ListState {
  const without = list.ids.includes(conversation.id) ? list.ids.filter((id) => id !== conversation.id) : list.ids;
  const here = list.loaded && belongs(view, conversation, me);
  const at = here ? place(without, conversation, known) : -1;
  const reaches = here && (list.complete || at < without.length);
  if (!reaches) return without === list.ids ? list : { ...list, ids: without };
  if (list.ids[at] === conversation.id) return list;
  return { ...list, ids: [...without.slice(0, at), conversation.id, ...without.slice(at)] };
}

/** Every list after these conversations took on their new form in `known`. */
export function rearrange(lists: State['lists'], changed: Iterable<Conversation>, known: Known, me: Id): State['lists'] {
  let next = lists;
  for (const conversation of changed) {
    for (const view of VIEWS) {
      const list = replace(next[view], view, conversation, known, me);
      if (list !== next[view]) next = { ...next, [view]: list };
    }
  }
  return next;
}

/** A list with one more page below it. What events already brought stays; order is by activity, not by page. */
export function withPage(list: ListState, view: View, page: ConversationPage, known: Known, me: Id): ListState {
  const ids = new Set(list.ids);
  for (const { id } of page.items) ids.add(id);
  const sorted = [...ids]
    .map((id) => known.get(id))
    .filter((conversation): conversation is Conversation => conversation !== undefined && belongs(view, conversation, me))
    .sort(compare)
    .map((conversation) => conversation.id);
  return { ids: sorted, cursor: page.next_cursor, complete: page.next_cursor === null, loaded: true };
}
