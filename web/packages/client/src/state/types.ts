import type { Conversation, ContactBrief, Id, Message } from '../types';

/** What an agent sees in the list; each is one keyset-paged view of the conversations. */
export type View = 'mine' | 'unassigned' | 'open' | 'closed';
export const VIEWS: readonly View[] = ['mine', 'unassigned', 'open', 'closed'];

export interface ListState {
  /** Newest activity first. */
  ids: readonly Id[];
  cursor: string | null;
  /** Whether the last page has been loaded: nothing lies below `ids`. */
  complete: boolean;
  loaded: boolean;
}

/** A run of messages without gaps, by seq ascending. */
export interface MessageWindow {
  items: readonly Message[];
  hasBefore: boolean;
  hasAfter: boolean;
  /** An event told of a message beyond the run: what lies between must be asked for. */
  behind: boolean;
}

/** Everything realtime events can change. Never mutated: a change makes a new state that shares what stayed the same. */
export interface State {
  /** Up to where events have been applied. */
  position: number;
  conversations: ReadonlyMap<Id, Conversation>;
  contacts: ReadonlyMap<Id, ContactBrief>;
  windows: ReadonlyMap<Id, MessageWindow>;
  lists: Readonly<Record<View, ListState>>;
  /** Conversations that events brought without telling what I have read of them: to be fetched. */
  unsure: ReadonlySet<Id>;
}

const emptyList: ListState = { ids: [], cursor: null, complete: false, loaded: false };

export const emptyState: State = {
  position: 0,
  conversations: new Map(),
  contacts: new Map(),
  windows: new Map(),
  lists: { mine: emptyList, unassigned: emptyList, open: emptyList, closed: emptyList },
  unsure: new Set(),
};

export const unread = (conversation: Conversation): number =>
  Math.max(0, conversation.inbound_count - conversation.my_read_count);
