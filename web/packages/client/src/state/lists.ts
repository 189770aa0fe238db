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
  // Without the closing Z, of two texts the one that ends sooner (no fraction of a second) is the earlier one.
  const [one, other] = [a.last_activity_at.slice(0, -1), b.last_activity_at.slice(0, -1)];
  if (one !== other) return one < other ? 1 : -1;
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

/** Every list after these conversations took on their new form in `known`. */
export function rearrange(lists: State['lists'], changed: ReadonlyMap<Id, Conversation>, known: Known, me: Id): State['lists'] {
  let next = lists;
  for (const view of VIEWS) {
    const list = moved(next[view], view, changed, known, me);
    if (list !== next[view]) next = { ...next, [view]: list };
  }
  return next;
}

/** All that changed are taken out first: only what is left is sorted by what is now known. */
function moved(list: ListState, view: View, changed: ReadonlyMap<Id, Conversation>, known: Known, me: Id): ListState {
  if (!list.loaded) return list;
  const ids = list.ids.filter((id) => !changed.has(id));
  for (const conversation of changed.values()) {
    if (!belongs(view, conversation, me)) continue;
    const at = place(ids, conversation, known);
    // Below the loaded part it waits for its page.
    if (at < ids.length || list.complete) ids.splice(at, 0, conversation.id);
  }
  const same = ids.length === list.ids.length && ids.every((id, index) => id === list.ids[index]);
  return same ? list : { ...list, ids };
}

/** A list with one more page below it. What events already brought stays; order is by activity, not by page. */
export function withPage(list: ListState, view: View, page: ConversationPage, known: Known, me: Id): ListState {
  const fetched = page.items
    .map(({ id }) => known.get(id))
    .filter((conversation): conversation is Conversation => conversation !== undefined && belongs(view, conversation, me))
    .sort(compare);
  return { ids: joined(list.ids, fetched, known), cursor: page.next_cursor, complete: page.next_cursor === null, loaded: true };
}

function joined(ids: readonly Id[], fetched: readonly Conversation[], known: Known): Id[] {
  const last = known.get(ids.at(-1) ?? '');
  const [first] = fetched;
  // The common case, which must stay cheap in a list of a hundred thousand: the page lies wholly below.
  if (!last || !first || compare(last, first) < 0) return [...ids, ...fetched.map(({ id }) => id)];
  const held = new Set(ids);
  return [...ids, ...fetched.map(({ id }) => id).filter((id) => !held.has(id))]
    .map((id) => known.get(id))
    .filter((conversation): conversation is Conversation => conversation !== undefined)
    .sort(compare)
    .map(({ id }) => id);
}
