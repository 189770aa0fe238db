import type { Content } from '@comptoir/messages';

/** The widget's part of docs/protocol.md, field by field. Fields not named here are ignored. */

export type AuthorKind = 'contact' | 'agent' | 'bot' | 'system';

export interface Author {
  kind: AuthorKind;
  name: string | null;
}

export interface Quote {
  id: string;
  seq: number;
  author_kind: AuthorKind;
  preview: string;
}

export interface WidgetMessage {
  id: string;
  client_id: string | null;
  seq: number;
  author: Author;
  content: Content;
  reply_to: Quote | null;
  created_at: string;
}

export interface WidgetConversation {
  id: string;
  status: 'open' | 'closed';
  last_seq: number;
  agents_read_seq: number;
  contact_read_seq: number;
}

export interface Face {
  name: string;
  avatar_url: string | null;
}

export interface WireError {
  code: string;
  message: string;
  field?: string | null;
}

/** Where the writer is on the host's site; every field may be absent. */
export interface Context {
  url?: string;
  title?: string;
  referrer?: string;
  locale?: string;
  time_zone?: string;
}

export type OutgoingContent =
  | { type: 'text'; text: string }
  | { type: 'image' | 'video' | 'audio' | 'file'; attachment: { id: string }; text: string };

export interface Welcome {
  type: 'welcome';
  visitor_id: string;
  conversation: WidgetConversation | null;
  messages: WidgetMessage[];
  has_before: boolean;
  agents: Face[];
}

export type FromServer =
  | Welcome
  | { type: 'messages'; messages: WidgetMessage[] }
  | { type: 'conversation'; conversation: WidgetConversation }
  | { type: 'ack'; client_id: string }
  | { type: 'refused'; client_id: string; error: WireError }
  /** Not now: the same message may be sent again after `retry_after` seconds. */
  | { type: 'unavailable'; client_id: string | null; retry_after: number }
  | { type: 'typing'; author: Author; on: boolean }
  | { type: 'pong' };

export interface SendFrame {
  type: 'send';
  client_id: string;
  content: OutgoingContent;
  reply_to_id: string | null;
  sent_at: string;
  context: Context;
}

export type FromFrame =
  | SendFrame
  | { type: 'receipt'; delivered_seq: number; read_seq: number }
  | { type: 'typing'; on: boolean }
  | { type: 'ping' };

/** What a transport says hello with. */
export interface Hello {
  token: string;
  after_seq: number;
}

/** Why a line ended; HTTP answers are told in the socket's numbers. */
export const CLOSED = {
  network: 1006,
  restart: 1012,
  capacity: 1013,
  token: 4401,
  origin: 4403,
  inbox: 4404,
  silence: 4408,
} as const;
