import type { Attachment, Content } from '@comptoir/messages';
import type { Waiting } from './queue';
import type { Author, Quote, WidgetConversation, WidgetMessage, WireError } from './wire';

export type EntryState = 'waiting' | 'sending' | 'sent' | 'read' | 'refused' | null;

/** A message as the log shows it, whether the server has it or not. */
export interface Entry {
  /** Stays the same from writing to reading, so that nothing on the page jumps. */
  key: string;
  id: string | null;
  clientId: string | null;
  seq: number | null;
  mine: boolean;
  author: Author;
  content: Content;
  replyTo: Quote | null;
  createdAt: string;
  /** Own messages only. */
  state: EntryState;
  error: WireError | null;
  /** 0 to 1 while a file is on its way. */
  progress: number | null;
}

export interface ViewParts {
  messages: WidgetMessage[];
  waiting: Waiting[];
  /** Acknowledged, but not yet come back with a seq. */
  durable: Waiting[];
  conversation: WidgetConversation | null;
  isSending(clientId: string): boolean;
  progress: ReadonlyMap<string, number>;
  /** Addresses of files of this page, by client_id. */
  local: ReadonlyMap<string, string>;
}

/** The log: what the server gave by seq, then what it has not given back yet in the order of writing. */
export function entriesOf(parts: ViewParts): Entry[] {
  const known = new Set(parts.messages.flatMap((message) => message.client_id ?? []));
  const readUpTo = parts.conversation?.agents_read_seq ?? 0;
  const given = parts.messages.map((message) => fromServer(message, readUpTo, parts.local));
  const pending = [...parts.durable, ...parts.waiting]
    .filter((item) => !known.has(item.client_id))
    .sort((a, b) => a.order - b.order)
    .map((item) => fromQueue(item, parts));
  return [...given, ...pending];
}

function fromServer(message: WidgetMessage, readUpTo: number, local: ReadonlyMap<string, string>): Entry {
  const mine = message.author.kind === 'contact';
  const own = message.client_id === null ? undefined : local.get(message.client_id);
  // The picture that is on the screen already stays there instead of being fetched again.
  const content: Content =
    own && message.content.type === 'image'
      ? { ...message.content, attachment: { ...message.content.attachment, preview_url: own } }
      : message.content;
  return {
    key: message.client_id ?? message.id,
    id: message.id,
    clientId: message.client_id,
    seq: message.seq,
    mine,
    author: message.author,
    content,
    replyTo: message.reply_to,
    createdAt: message.created_at,
    state: mine ? (message.seq <= readUpTo ? 'read' : 'sent') : null,
    error: null,
    progress: null,
  };
}

function fromQueue(item: Waiting, parts: ViewParts): Entry {
  const durable = parts.durable.includes(item);
  return {
    key: item.client_id,
    id: null,
    clientId: item.client_id,
    seq: null,
    mine: true,
    author: { kind: 'contact', name: null },
    content: localContent(item, parts.local.get(item.client_id) ?? ''),
    replyTo: item.reply_to,
    createdAt: item.sent_at,
    state: item.error ? 'refused' : durable ? 'sent' : parts.isSending(item.client_id) ? 'sending' : 'waiting',
    error: item.error,
    progress: parts.progress.get(item.client_id) ?? null,
  };
}

function localContent(item: Waiting, url: string): Content {
  const { file } = item;
  if (!file) return { type: 'text', text: item.text };
  const attachment: Attachment = { id: item.client_id, ...file, url, preview_url: url };
  const kind = file.media_type.split('/')[0];
  const type = url !== '' && kind === 'image' && file.width ? 'image' : 'file';
  return { type, attachment, text: item.text };
}
