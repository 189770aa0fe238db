import {
  addMessages,
  addPage,
  ApiError,
  applyEvents,
  emptyState,
  keepWindows,
  merge,
  Realtime,
  SendQueue,
  unread,
  type Agent,
  type Api,
  type Around,
  type Connection,
  type ContactBrief,
  type Conversation,
  type ConversationChange,
  type Counts,
  type Id,
  type Inbox,
  type Label,
  type ListFilter,
  type Membership,
  type PageAt,
  type Queued,
  type RealtimeEvent,
  type State,
  type View,
} from '@comptoir/client';
import { person } from './session.svelte';
import { Typists } from './typists.svelte';

/** The first page is what fills the window; those after it are asked for while one scrolls. */
const FIRST_PAGE = 40;
const NEXT_PAGE = 100;
const MESSAGE_PAGE = 40;
const WINDOWS_KEPT = 6;

const FILTERS: Record<View, ListFilter> = {
  mine: { status: 'open', assignee: 'me' },
  unassigned: { status: 'open', assignee: 'none' },
  open: { status: 'open' },
  closed: { status: 'closed' },
};

const MOVES_COUNTS = /^Conversation(Opened|Closed|Reopened|Assigned)$/;

/** One workspace as its agent has it before them: what is known, what comes in, what goes out. */
export class Workspace {
  state = $state.raw<State>(emptyState);
  counts = $state.raw<Counts | null>(null);
  agents = $state.raw<readonly Agent[]>([]);
  labels = $state.raw<readonly Label[]>([]);
  inboxes = $state.raw<readonly Inbox[]>([]);
  queued = $state.raw<readonly Queued[]>([]);
  connection = $state<Connection>('connecting');
  listError = $state.raw<Partial<Record<View, Error>>>({});
  readonly typists = new Typists();
  readonly api: Api;
  readonly queue: SendQueue;
  private readonly realtime: Realtime;
  private started = false;
  private listening = false;
  private loading = new Set<string>();
  private recent: Id[] = [];
  private countsTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly membership: Membership) {
    this.api = person.apiFor(membership.id);
    this.queue = new SendQueue({
      prefix: `comptoir.queue.${membership.agent_id}.`,
      storage: localStorage,
      send: (conversation, message) => this.api.sendMessage(conversation, message),
      onSent: (message) => (this.state = merge(this.state, { messages: [message] }, this.me)),
      onChange: (items) => (this.queued = items),
    });
    this.realtime = new Realtime({
      workspace: membership.id,
      headers: () => ({ 'Comptoir-Workspace': membership.id }),
      position: () => this.state.position,
      onEvents: (events, position) => this.hear(events, position),
      onReload: (position) => void this.reload(position),
      onTyping: (conversation, author, on) => this.typists.set(conversation, author, on, this.me),
      onConnection: (connection) => this.connected(connection),
      onLost: () => void person.load().catch(() => undefined),
    });
  }

  get me(): Id {
    return this.membership.agent_id;
  }

  get mayWrite(): boolean {
    return this.membership.role !== 'observer';
  }

  get mayConfigure(): boolean {
    return this.membership.role === 'owner' || this.membership.role === 'admin';
  }

  /** Open conversations that are mine or nobody's and have something I have not read, among those known. */
  readonly unreadCount = $derived.by(() => {
    let count = 0;
    // Counted at every change, in lists of any length: nothing is copied for it.
    for (const one of this.state.conversations.values()) {
      if (one.status === 'open' && (one.assignee_id === null || one.assignee_id === this.me) && unread(one) > 0) count += 1;
    }
    return count;
  });

  start(): void {
    if (this.started) return;
    this.started = true;
    this.queue.start();
    void this.loadFrame();
  }

  stop(): void {
    this.queue.stop();
    this.realtime.stop();
    this.typists.stop();
    clearTimeout(this.countsTimer);
  }

  /** Agents, labels, inboxes and counts; then listening begins, from the oldest position that anything was read at. */
  private async loadFrame(): Promise<void> {
    try {
      const [agents, labels, inboxes, counts] = await Promise.all([
        this.api.agents(),
        this.api.labels(),
        this.api.inboxes(),
        this.api.counts(),
      ]);
      Object.assign(this, { agents, labels, inboxes, counts });
      this.note(counts.position);
      if (!this.listening) this.realtime.start();
      this.listening = true;
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) return;
      setTimeout(() => void this.loadFrame(), 3000);
    }
  }

  /** Until the line is up, the position to listen from is the oldest one that an answer told. */
  private note(position: number): void {
    if (this.listening) return;
    const oldest = this.state.position ? Math.min(this.state.position, position) : position;
    this.state = { ...this.state, position: oldest };
  }

  private connected(connection: Connection): void {
    this.connection = connection;
    if (connection === 'online') this.queue.flush();
  }

  private hear(events: RealtimeEvent[], position: number): void {
    this.state = applyEvents(this.state, events, position, this.me);
    for (const event of events) {
      if (event.message) {
        this.queue.confirm(event.message.id);
        this.typists.clear(event.message.conversation_id, event.message.author.kind, event.message.author.id);
      }
    }
    if (events.some((event) => MOVES_COUNTS.test(event.kind))) this.recount();
    if (events.some((event) => /^(Label|Inbox|Agent)Changed$/.test(event.kind))) void this.loadFrame();
    for (const id of [...this.state.unsure].slice(0, 20)) void this.loadConversation(id);
  }

  private recount(): void {
    clearTimeout(this.countsTimer);
    this.countsTimer = setTimeout(() => {
      this.api.counts().then(
        (counts) => (this.counts = counts),
        () => undefined,
      );
    }, 400);
  }

  /** Away for too long to be caught up: what is on the screen is fetched again, the rest when it is next looked at. */
  private async reload(position: number): Promise<void> {
    const views = (Object.keys(FILTERS) as View[]).filter((view) => this.state.lists[view].loaded);
    const open = this.recent[0];
    this.state = { ...emptyState, position, contacts: this.state.contacts, windows: keepWindows(this.state, open ? [open] : []).windows };
    await Promise.all([this.loadFrame(), ...views.map((view) => this.loadList(view)), open ? this.openConversation(open) : null]);
  }

  /** The next page of a list. */
  async loadList(view: View): Promise<void> {
    const list = this.state.lists[view];
    const name = `list:${view}`;
    if (list.complete || this.loading.has(name)) return;
    this.loading.add(name);
    try {
      const page = await this.api.conversations(FILTERS[view], list.cursor, list.loaded ? NEXT_PAGE : FIRST_PAGE);
      // Before the state changes: whoever watches it may at once want the page after this one.
      this.loading.delete(name);
      this.note(page.position);
      this.state = addPage(this.state, view, page, this.me);
      this.listError = { ...this.listError, [view]: undefined };
    } catch (error) {
      this.loading.delete(name);
      this.listError = { ...this.listError, [view]: error as Error };
    }
  }

  async loadConversation(id: Id): Promise<void> {
    await this.once(`conversation:${id}`, async () => {
      const { conversation, contact, position } = await this.api.conversation(id);
      this.note(position);
      const brief: ContactBrief = { avatar_url: this.state.contacts.get(contact.id)?.avatar_url ?? null, ...contact };
      this.state = merge(this.state, { conversations: [conversation], contacts: [brief] }, this.me);
    });
  }

  /** A conversation and its latest messages, or those around one. */
  async openConversation(id: Id, around?: number): Promise<void> {
    this.recent = [id, ...this.recent.filter((other) => other !== id)].slice(0, WINDOWS_KEPT);
    this.state = keepWindows(this.state, this.recent);
    await Promise.all([this.loadConversation(id), this.loadMessages(id, around ? { around_seq: around } : {}, 'open')]);
  }

  async loadMessages(id: Id, around: Around, at: PageAt): Promise<void> {
    await this.once(`messages:${id}:${at}`, async () => {
      const page = await this.api.messages(id, around, MESSAGE_PAGE);
      this.state = addMessages(this.state, id, page, at);
    });
  }

  /** Changes a conversation at once on the screen; if the program refuses, it goes back and the refusal is thrown. */
  async change(id: Id, change: ConversationChange): Promise<void> {
    const before = this.state.conversations.get(id);
    if (before) this.state = merge(this.state, { conversations: [{ ...before, ...change }] }, this.me);
    try {
      const conversation = await this.api.updateConversation(id, change);
      this.state = merge(this.state, { conversations: [conversation] }, this.me);
      this.recount();
    } catch (error) {
      const now = this.state.conversations.get(id);
      if (before && now) this.state = merge(this.state, { conversations: [{ ...now, ...undone(before, change) }] }, this.me);
      throw error;
    }
  }

  markRead(conversation: Conversation, seq: number): void {
    if (seq <= conversation.my_read_seq) return;
    const all = seq >= conversation.last_seq;
    const my_read_count = all ? conversation.inbound_count : conversation.my_read_count;
    this.state = merge(this.state, { conversations: [{ ...conversation, my_read_seq: seq, my_read_count }] }, this.me);
    this.api.markRead(conversation.id, seq).catch(() => undefined);
  }

  tellTyping(conversation: Id, on: boolean): void {
    if (!this.realtime.typing(conversation, on)) this.api.typing(conversation, on).catch(() => undefined);
  }

  tell(told: Parameters<typeof merge>[1]): void {
    this.state = merge(this.state, told, this.me);
  }

  async createLabel(label: Omit<Label, 'id'>): Promise<Label> {
    const created = await this.api.createLabel(label);
    this.labels = [...this.labels.filter((other) => other.id !== created.id), created];
    return created;
  }

  /** Runs one call of a name at a time; a second one meanwhile does nothing. */
  private async once(name: string, call: () => Promise<void>): Promise<void> {
    if (this.loading.has(name)) return;
    this.loading.add(name);
    try {
      await call();
    } finally {
      this.loading.delete(name);
    }
  }
}

function undone(before: Conversation, change: ConversationChange): ConversationChange {
  return Object.fromEntries(Object.keys(change).map((key) => [key, before[key as keyof ConversationChange]]));
}
