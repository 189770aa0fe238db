import type { Attachment } from '@comptoir/messages';
import type { SendFrame, Welcome, WidgetMessage, WireError } from './wire';

/** An answer that is not 2xx. `status` 0 means that there was no answer. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly error: WireError,
  ) {
    super(error.message);
  }

  /** The same request will never be taken: asking again is pointless. */
  get final(): boolean {
    return this.status >= 400 && this.status < 500 && ![401, 408, 425, 429].includes(this.status);
  }
}

export interface Upload {
  name: string;
  blob: Blob;
  progress(part: number): void;
}

/** The HTTP calls of the widget. All throw HttpError. */
export interface Api {
  readonly base: string;
  readonly locale: string;
  visitor(): Promise<string>;
  session(token: string): Promise<Welcome>;
  messages(token: string, beforeSeq: number): Promise<{ items: WidgetMessage[]; has_before: boolean }>;
  send(token: string, frame: SendFrame): Promise<void>;
  receipt(token: string, deliveredSeq: number, readSeq: number): Promise<void>;
  typing(token: string, on: boolean): Promise<void>;
  upload(token: string, upload: Upload): Promise<Attachment>;
}

export const NO_ANSWER: WireError = { code: 'no_answer', message: '' };

async function problem(response: Response): Promise<HttpError> {
  try {
    const body = (await response.json()) as { error?: WireError };
    return new HttpError(response.status, body.error ?? NO_ANSWER);
  } catch {
    return new HttpError(response.status, NO_ANSWER);
  }
}

export function openApi(base: string, locale: string): Api {
  async function call<T>(method: string, path: string, token: string | null, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': locale };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const response = await fetch(base + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
      credentials: 'omit',
      cache: 'no-store',
    }).catch(() => {
      throw new HttpError(0, NO_ANSWER);
    });
    if (!response.ok) throw await problem(response);
    const text = await response.text();
    return (text ? JSON.parse(text) : null) as T;
  }
  return {
    base,
    locale,
    visitor: async () => (await call<{ token: string }>('POST', '/visitor', null)).token,
    session: (token) => call('GET', '/session', token),
    messages: (token, beforeSeq) => call('GET', `/messages?before_seq=${beforeSeq}`, token),
    send: (token, { client_id, content, reply_to_id, sent_at, context }) =>
      call('POST', '/messages', token, { client_id, content, reply_to_id, sent_at, context }),
    receipt: (token, delivered_seq, read_seq) => call('POST', '/receipts', token, { delivered_seq, read_seq }),
    typing: (token, on) => call('POST', '/typing', token, { on }),
    async upload(token, upload) {
      const { sendFile } = await import('../frame/extras').catch(() => {
        throw new HttpError(0, NO_ANSWER);
      });
      return sendFile(base, token, locale, upload);
    },
  };
}
