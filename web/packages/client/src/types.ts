/** The shapes that travel between the program and the app, as docs/protocol.md names them. */

export type Id = string;
/** RFC 3339 in UTC with milliseconds. */
export type Instant = string;
export type Role = 'owner' | 'admin' | 'agent' | 'observer';
export type Locale = 'en' | 'fr';
export type Status = 'open' | 'closed';
export type Priority = 'none' | 'low' | 'normal' | 'high' | 'urgent';
export type Colour = 'zinc' | 'brass' | 'green' | 'brick' | 'sky' | 'plum';
export type AuthorKind = 'contact' | 'agent' | 'bot' | 'system';
export type MessageKind = 'message' | 'note';
export type DeliveryState = 'queued' | 'sending' | 'held' | 'sent' | 'delivered' | 'read' | 'failed' | 'uncertain';

export interface Membership {
  id: Id;
  name: string;
  slug: string;
  locale: string;
  agent_id: Id;
  role: Role;
}

export interface Session {
  person: { id: Id; email: string; name: string; locale: string };
  workspaces: Membership[];
}

export interface Agent {
  id: Id;
  person_id: Id;
  name: string;
  email: string;
  role: Role;
  active: boolean;
  avatar_url: string | null;
}

export interface Label {
  id: Id;
  name: string;
  colour: Colour;
}

export interface Inbox {
  id: Id;
  channel: string;
  name: string;
  settings: Record<string, unknown>;
  webhook_url: string | null;
  slug: string | null;
  created_at: Instant;
  has_credentials: boolean;
}

export interface InboxHealth {
  last_event_at: Instant | null;
  last_error: string | null;
  last_error_at: Instant | null;
  quarantined: number;
  parked: number;
  uncertain: number;
}

export interface ContactBrief {
  id: Id;
  name: string | null;
  locale: string | null;
  avatar_url: string | null;
}

export interface Identity {
  id: Id;
  inbox_id: Id;
  channel: string | null;
  address: string;
  created_at: Instant;
}

export interface Contact {
  id: Id;
  name: string | null;
  email: string | null;
  phone: string | null;
  locale: string | null;
  time_zone: string | null;
  blocked: boolean;
  attributes: Record<string, unknown>;
  created_at: Instant;
  last_seen_at: Instant | null;
  last_page: { url: string; title: string | null; referrer: string | null } | null;
  identities: Identity[];
}

export type ContactChange = Partial<Pick<Contact, 'name' | 'email' | 'phone' | 'locale' | 'blocked' | 'attributes'>>;

export interface LastMessage {
  seq: number;
  kind: MessageKind;
  author_kind: AuthorKind;
  author_id: Id | null;
  content_type: string;
  preview: string;
}

export interface Conversation {
  id: Id;
  contact_id: Id;
  inbox_id: Id;
  channel: string;
  status: Status;
  priority: Priority;
  assignee_id: Id | null;
  label_ids: Id[];
  last_seq: number;
  inbound_count: number;
  my_read_count: number;
  my_read_seq: number;
  last_message: LastMessage | null;
  waiting_since: Instant | null;
  last_activity_at: Instant;
  created_at: Instant;
  closed_at: Instant | null;
  contact_delivered_seq: number;
  contact_read_seq: number;
  agents_read_seq: number;
  version: number;
}

/** Events do not say what this agent has read; that moves by ConversationRead alone. */
export type EventConversation = Omit<Conversation, 'my_read_count' | 'my_read_seq'> &
  Partial<Pick<Conversation, 'my_read_count' | 'my_read_seq'>>;

export type ConversationChange = Partial<Pick<Conversation, 'status' | 'assignee_id' | 'priority' | 'label_ids'>>;

export interface Attachment {
  id: Id;
  name: string;
  media_type: string;
  size: number;
  width: number | null;
  height: number | null;
  url: string;
  preview_url: string | null;
}

export type MediaType = 'image' | 'video' | 'audio' | 'file';
export type Content =
  | { type: 'text'; text: string }
  | { type: MediaType; attachment: Attachment; text: string }
  | { type: 'unsupported'; summary: string };

/** As sent: of an attachment only its id counts. */
export type SentContent = { type: 'text'; text: string } | { type: MediaType; attachment: { id: Id }; text: string };

export interface ReplyTo {
  id: Id;
  seq: number;
  author_kind: AuthorKind;
  preview: string;
}

export interface Message {
  id: Id;
  conversation_id: Id;
  inbox_id: Id;
  seq: number;
  kind: MessageKind;
  author: { kind: AuthorKind; id: Id | null; name: string | null };
  content: Content;
  reply_to: ReplyTo | null;
  created_at: Instant;
  delivery: { state: DeliveryState; error: { code: string; message: string | null } | null } | null;
}

export interface NewMessage {
  /** UUIDv7 made here: the idempotency key. */
  id: Id;
  kind: MessageKind;
  content: SentContent;
  reply_to_id: Id | null;
}

export interface Delivery {
  id: Id;
  message_id: Id;
  conversation_id: Id;
  inbox_id: Id;
  state: DeliveryState;
  attempts: number;
  error: { code: string; message: string | null } | null;
  created_at: Instant;
  sent_at: Instant | null;
  delivered_at: Instant | null;
  read_at: Instant | null;
}

export interface Segment {
  text: string;
  hit: boolean;
}

export interface MessageHit {
  message_id: Id;
  conversation_id: Id;
  seq: number;
  created_at: Instant;
  author_kind: AuthorKind;
  contact: ContactBrief;
  snippet: Segment[];
}

export interface ContactHit {
  contact: Contact;
  conversation_id: Id | null;
  matched: Segment[];
}

export interface Counts {
  open: number;
  mine: number;
  unassigned: number;
  closed: number;
  position: number;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface ConversationPage extends Page<Conversation> {
  contacts: ContactBrief[];
  position: number;
}

export interface MessagePage {
  items: Message[];
  has_before: boolean;
  has_after: boolean;
}

export type EventKind =
  | 'ConversationOpened'
  | 'ConversationClosed'
  | 'ConversationReopened'
  | 'ConversationAssigned'
  | 'ConversationPrioritised'
  | 'ConversationLabelled'
  | 'ConversationRead'
  | 'MessageReceived'
  | 'MessageSent'
  | 'NoteAdded'
  | 'DeliveryUpdated'
  | 'ReceiptReceived'
  | 'ContactCreated'
  | 'ContactUpdated'
  | 'LabelChanged'
  | 'InboxChanged'
  | 'AgentChanged';

export interface RealtimeEvent {
  position: number;
  kind: EventKind;
  occurred_at: Instant;
  conversation_id: Id | null;
  conversation: EventConversation | null;
  message: Message | null;
  contact: ContactBrief | null;
  data: Record<string, unknown>;
}

export interface TypingAuthor {
  kind: AuthorKind;
  id: Id | null;
  name: string | null;
}

export type Frame =
  | { type: 'hello'; position: number }
  | { type: 'reload'; position: number }
  | { type: 'events'; position: number; events: RealtimeEvent[] }
  | { type: 'typing'; conversation_id: Id; author: TypingAuthor; on: boolean }
  | { type: 'pong' };
