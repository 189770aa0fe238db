import { type Api, HttpError } from './api';
import type { Env } from './env';
import { type OpenTransport, parse, type TransportEvents } from './transports';
import { CLOSED, type FromFrame, type FromServer, type Hello } from './wire';

/** What an HTTP failure would have been on a socket. */
export function closeCode(error: unknown): number {
  const status = error instanceof HttpError ? error.status : 0;
  switch (status) {
    case 401:
      return CLOSED.token;
    case 403:
      return CLOSED.origin;
    case 404:
      return CLOSED.inbox;
    case 429:
    case 503:
      return CLOSED.capacity;
    default:
      return CLOSED.network;
  }
}

/** The way out where there is no socket: one call at a time, so that order is kept; the answer stands for the frame. */
function poster(api: Api, hello: () => Hello, on: TransportEvents, isOpen: () => boolean): (frame: FromFrame) => void {
  let chain = Promise.resolve();
  async function post(frame: FromFrame): Promise<void> {
    if (!isOpen()) return;
    const { token } = hello();
    try {
      if (frame.type === 'send') {
        await api.send(token, frame);
        if (isOpen()) on.frame({ type: 'ack', client_id: frame.client_id });
      } else if (frame.type === 'receipt') await api.receipt(token, frame.delivered_seq, frame.read_seq);
      else if (frame.type === 'typing') await api.typing(token, frame.on);
    } catch (error) {
      if (!isOpen()) return;
      if (frame.type === 'send' && error instanceof HttpError && error.final) {
        on.frame({ type: 'refused', client_id: frame.client_id, error: error.error });
      } else if (frame.type !== 'typing') on.closed(closeCode(error));
    }
  }
  return (frame) => {
    chain = chain.then(() => post(frame));
  };
}

/** Server-sent events read with fetch, because EventSource cannot carry the token in a header. */
export function openStream(api: Api): OpenTransport {
  return (hello, on) => {
    const abort = new AbortController();
    const { token, after_seq } = hello();
    async function read(): Promise<void> {
      const response = await fetch(`${api.base}/stream?after_seq=${after_seq}`, {
        headers: { Accept: 'text/event-stream', Authorization: `Bearer ${token}`, 'Accept-Language': api.locale },
        signal: abort.signal,
        credentials: 'omit',
        cache: 'no-store',
      });
      if (!response.ok || !response.body) throw new HttpError(response.status, { code: 'stream', message: '' });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const cut = eventCutter((data) => {
        const frame = parse(data);
        if (frame) on.frame(frame);
      });
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        on.alive();
        cut(value);
      }
    }
    const ended = (code: number) => {
      if (!abort.signal.aborted) on.closed(code);
    };
    read().then(
      () => ended(CLOSED.network),
      (error: unknown) => ended(closeCode(error)),
    );
    const send = poster(api, hello, on, () => !abort.signal.aborted);
    return { send, close: () => abort.abort() };
  };
}

/** Cuts a stream of server-sent events, in whatever pieces it arrives, into the data of each event. */
export function eventCutter(event: (data: string) => void): (piece: string) => void {
  let rest = '';
  let data: string[] = [];
  return (piece) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '') {
        if (data.length > 0) event(data.join('\n'));
        data = [];
      } else if (line.startsWith('data:')) data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
    }
  };
}

/** Long polling: the state first, then one waiting request after the other. */
export function openPoll(api: Api, env: Env): OpenTransport {
  return (hello, on) => {
    const abort = new AbortController();
    async function once(): Promise<FromServer[]> {
      const { token, after_seq } = hello();
      const response = await fetch(`${api.base}/poll?after_seq=${after_seq}&wait=25`, {
        headers: { Authorization: `Bearer ${token}`, 'Accept-Language': api.locale },
        signal: abort.signal,
        credentials: 'omit',
        cache: 'no-store',
      });
      if (!response.ok) throw new HttpError(response.status, { code: 'poll', message: '' });
      return ((await response.json()) as { frames: FromServer[] }).frames;
    }
    async function run(): Promise<void> {
      on.frame({ ...(await api.session(hello().token)), type: 'welcome' });
      while (!abort.signal.aborted) {
        const before = hello().after_seq;
        const frames = await once();
        if (abort.signal.aborted) return;
        on.alive();
        for (const frame of frames) on.frame(frame);
        // A server that answers at once without anything new must not be asked in a circle.
        if (hello().after_seq === before) await new Promise<void>((resolve) => env.after(1000, resolve));
      }
    }
    run().catch((error: unknown) => {
      if (!abort.signal.aborted) on.closed(closeCode(error));
    });
    const send = poster(api, hello, on, () => !abort.signal.aborted);
    return { send, close: () => abort.abort() };
  };
}
