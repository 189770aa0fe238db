import { Http, type HttpSettings, type RequestOptions } from './http';
import { upload } from './upload';
import type * as T from './types';

const ROOT = '/api/v1';

export interface ListFilter {
  status?: T.Status;
  assignee?: string;
  inbox_id?: T.Id;
  label_id?: T.Id;
}

export type Around = { before_seq: number } | { after_seq: number } | { around_seq: number } | Record<never, never>;
export type SearchKind = 'all' | 'messages' | 'contacts';
export interface SearchResult {
  messages: T.MessageHit[];
  contacts: T.ContactHit[];
  next_cursor: string | null;
}

/** Every call of docs/protocol.md that the app makes, one method each. */
export class Api {
  private readonly http: Http;

  constructor(readonly settings: HttpSettings) {
    this.http = new Http(settings);
  }

  private get<R>(path: string, query?: RequestOptions['query'], signal?: AbortSignal): Promise<R> {
    return this.http.call<R>('GET', ROOT + path, { query, signal });
  }

  private send<R>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<R> {
    return this.http.call<R>(method, ROOT + path, { body });
  }

  session = () => this.get<T.Session>('/session');
  signIn = (email: string, password: string) => this.send<T.Session>('POST', '/session', { email, password });
  setLocale = (locale: T.Locale) => this.send<T.Session>('PATCH', '/session', { locale });
  signOut = () => this.send<undefined>('DELETE', '/session');

  agents = () => this.get<{ items: T.Agent[] }>('/agents').then((page) => page.items);
  labels = () => this.get<{ items: T.Label[] }>('/labels').then((page) => page.items);
  createLabel = (label: Omit<T.Label, 'id'>) => this.send<T.Label>('POST', '/labels', label);

  inboxes = () => this.get<{ items: T.Inbox[] }>('/inboxes').then((page) => page.items);
  createInbox = (inbox: Pick<T.Inbox, 'channel' | 'name' | 'settings'>) => this.send<T.Inbox>('POST', '/inboxes', inbox);
  updateInbox = (id: T.Id, change: Partial<Pick<T.Inbox, 'name' | 'settings'>>) =>
    this.send<T.Inbox>('PATCH', `/inboxes/${id}`, change);
  inboxHealth = (id: T.Id) => this.get<T.InboxHealth>(`/inboxes/${id}/health`);

  contact = (id: T.Id) => this.get<T.Contact>(`/contacts/${id}`);
  updateContact = (id: T.Id, change: T.ContactChange) => this.send<T.Contact>('PATCH', `/contacts/${id}`, change);

  conversations = (filter: ListFilter, cursor: string | null, limit: number) =>
    this.get<T.ConversationPage>('/conversations', { ...filter, cursor, limit });
  counts = () => this.get<T.Counts>('/conversations/counts');
  conversation = (id: T.Id) =>
    this.get<{ conversation: T.Conversation; contact: T.Contact; position: number }>(`/conversations/${id}`);
  updateConversation = (id: T.Id, change: T.ConversationChange) =>
    this.send<T.Conversation>('PATCH', `/conversations/${id}`, change);
  markRead = (id: T.Id, seq: number) => this.send<undefined>('POST', `/conversations/${id}/read`, { seq });
  typing = (id: T.Id, on: boolean) => this.send<undefined>('POST', `/conversations/${id}/typing`, { on });

  messages = (id: T.Id, around: Around, limit: number) =>
    this.get<T.MessagePage>(`/conversations/${id}/messages`, { ...around, limit });
  sendMessage = (conversation: T.Id, message: T.NewMessage) =>
    this.send<T.Message>('POST', `/conversations/${conversation}/messages`, message);
  deliveries = (message: T.Id) => this.get<{ items: T.Delivery[] }>(`/messages/${message}/deliveries`).then((page) => page.items);
  settle = (delivery: T.Id, as: 'sent' | 'failed' | 'retry') =>
    this.send<T.Delivery>('POST', `/deliveries/${delivery}/settle`, { as });

  upload = (file: File, onProgress: (share: number) => void, signal: AbortSignal) =>
    upload(`${ROOT}/attachments`, file, this.http.headers(), onProgress, signal);
  search = (q: string, kind: SearchKind, signal: AbortSignal) =>
    this.get<SearchResult>('/search', { q, kind, limit: 20 }, signal);
}
