import { describe, expect, it } from 'vitest';
import { addMessages, addPage } from '../src/state/fetched';
import { belongs, compare } from '../src/state/lists';
import { applyEvents, merge } from '../src/state/reduce';
import { emptyState, unread, VIEWS, type State } from '../src/state/types';
import { MOST_HELD } from '../src/state/windows';
import type { Conversation, Message } from '../src/types';
import { Counter, ME, seeded } from './counter';

const SEEDS = Array.from({ length: 25 }, (_, index) => index + 1);

/** What a page shows that has just been opened. */
function fresh(counter: Counter): State {
  let state: State = { ...emptyState, position: counter.position };
  for (const view of VIEWS) state = addPage(state, view, counter.page((one) => belongs(view, one, ME)), ME);
  for (const [id, items] of counter.messages) {
    state = addMessages(state, id, { items: [...items], has_before: false, has_after: false }, 'open');
  }
  return state;
}

/** What can be seen of a state. Windows only of conversations that both had open. */
function shown(state: State, windows: readonly string[]) {
  return {
    position: state.position,
    lists: Object.fromEntries(VIEWS.map((view) => [view, state.lists[view].ids])),
    conversations: Object.fromEntries([...state.conversations].sort()),
    contacts: Object.fromEntries([...state.contacts].sort()),
    windows: Object.fromEntries(windows.map((id) => [id, state.windows.get(id)])),
  };
}

describe('the state of the inbox', () => {
  it.each(SEEDS)('an old state and the events since make the fresh state (seed %i)', (seed) => {
    const random = seeded(seed);
    const counter = new Counter(random);
    for (let step = 0; step < 60; step++) counter.step();
    const since = counter.position;
    let state = fresh(counter);
    const open = [...state.windows.keys()];
    // The line brings what happens in bundles, each with the entities as of then; some come twice, after a lost line.
    let told = since;
    for (let step = 0; step < 120; step++) {
      counter.step();
      if (random() < 0.7) continue;
      const from = random() < 0.3 ? Math.max(since, told - 5) : told;
      state = applyEvents(state, counter.events(from), counter.position, ME);
      told = counter.position;
    }
    state = applyEvents(state, counter.events(told), counter.position, ME);
    expect(shown(state, open)).toEqual(shown(fresh(counter), open));
  });

  it.each(SEEDS)('applying events again changes nothing (seed %i)', (seed) => {
    const counter = new Counter(seeded(seed));
    for (let step = 0; step < 40; step++) counter.step();
    const before = fresh(counter);
    for (let step = 0; step < 60; step++) counter.step();
    const events = counter.events(before.position);
    const once = applyEvents(before, events, counter.position, ME);
    expect(applyEvents(once, events, counter.position, ME)).toBe(once);
  });

  it('an event older than what is held is not believed', () => {
    const counter = new Counter(seeded(7));
    counter.open();
    const early = counter.events(0);
    counter.say('c000', 'agent');
    const state = fresh(counter);
    expect(applyEvents(state, early, counter.position, ME).conversations).toBe(state.conversations);
  });

  it('lists stay sorted and hold only what belongs', () => {
    const counter = new Counter(seeded(11));
    for (let step = 0; step < 50; step++) counter.step();
    let state = fresh(counter);
    for (let step = 0; step < 80; step++) counter.step();
    state = applyEvents(state, counter.events(state.position), counter.position, ME);
    for (const view of VIEWS) {
      const found = state.lists[view].ids.map((id) => state.conversations.get(id) as Conversation);
      expect(found.every((one) => belongs(view, one, ME))).toBe(true);
      expect([...found].sort(compare)).toEqual(found);
    }
  });

  it('a conversation below the loaded part of a list waits for its page', () => {
    const counter = new Counter(seeded(3));
    for (let index = 0; index < 6; index++) counter.open();
    const newest = [...counter.conversations.values()].sort(compare).slice(0, 3);
    const page = { ...counter.page((one) => newest.includes(one)), next_cursor: 'more' };
    const state = addPage(emptyState, 'open', page, ME);
    const oldest = [...counter.conversations.values()].sort(compare).at(-1) as Conversation;
    const told = merge(state, { conversations: [oldest] }, ME);
    expect(told.lists.open.ids).toEqual(newest.map((one) => one.id));
    counter.say(oldest.id, 'contact');
    const moved = applyEvents(told, counter.events(state.position), counter.position, ME);
    expect(moved.lists.open.ids[0]).toBe(oldest.id);
  });
});

describe('what I have read', () => {
  it('is asked for when an event brings a conversation that was not known', () => {
    const counter = new Counter(seeded(5));
    counter.open();
    const after = counter.position;
    counter.say('c000', 'contact');
    const state = applyEvents(emptyState, counter.events(after), counter.position, ME);
    expect([...state.unsure]).toEqual(['c000']);
    const sure = merge(state, { conversations: [{ ...(counter.conversations.get('c000') as Conversation), my_read_count: 2 }] }, ME);
    expect(sure.unsure.size).toBe(0);
    expect(unread(sure.conversations.get('c000') as Conversation)).toBe(0);
  });

  it('is nothing in a conversation that has just been opened', () => {
    const counter = new Counter(seeded(5));
    counter.open();
    const state = applyEvents(emptyState, counter.events(0), counter.position, ME);
    expect(state.unsure.size).toBe(0);
    expect(unread(state.conversations.get('c000') as Conversation)).toBe(1);
  });
});

describe('the messages held of a conversation', () => {
  const message = (seq: number): Message => ({
    id: `m${seq}`,
    conversation_id: 'c',
    inbox_id: 'i',
    seq,
    kind: 'message',
    author: { kind: 'contact', id: 'x', name: null },
    content: { type: 'text', text: String(seq) },
    reply_to: null,
    created_at: new Date(seq * 1000).toISOString(),
    delivery: null,
  });
  const run = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
  const page = (from: number, to: number, has_before: boolean, has_after: boolean) => ({ items: run(from, to), has_before, has_after });
  const seqs = (state: State) => state.windows.get('c')?.items.map((one) => one.seq);

  it('a message beyond a gap is not shown, but the gap is known', () => {
    const state = merge(addMessages(emptyState, 'c', page(1, 3, false, false), 'open'), { messages: [message(6)] }, ME);
    expect(seqs(state)).toEqual([1, 2, 3]);
    expect(state.windows.get('c')?.behind).toBe(true);
    const closed = addMessages(state, 'c', page(4, 6, true, false), 'later');
    expect(seqs(closed)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(closed.windows.get('c')?.behind).toBe(false);
  });

  it('while an older part is shown, new messages wait below', () => {
    const state = merge(addMessages(emptyState, 'c', page(10, 20, true, true), 'open'), { messages: [message(50)] }, ME);
    expect(seqs(state)?.at(-1)).toBe(20);
  });

  it('the far end is let go, and known to be gone', () => {
    let state = addMessages(emptyState, 'c', page(401, 600, true, false), 'open');
    state = addMessages(state, 'c', page(101, 400, true, true), 'earlier');
    expect(state.windows.get('c')?.items).toHaveLength(MOST_HELD);
    expect(seqs(state)?.[0]).toBe(101);
    expect(state.windows.get('c')?.hasAfter).toBe(true);
    state = addMessages(state, 'c', page(501, 600, true, false), 'later');
    expect(seqs(state)?.at(-1)).toBe(600);
    expect(state.windows.get('c')).toMatchObject({ hasBefore: true, hasAfter: false });
  });

  it('what an event brought while the first page was under way is kept', () => {
    const early = addMessages(emptyState, 'c', page(1, 3, false, false), 'open');
    const told = merge(early, { messages: [message(4)] }, ME);
    expect(seqs(addMessages(told, 'c', page(1, 3, false, false), 'open'))).toEqual([1, 2, 3, 4]);
  });
});
