import { CLOSED, type FromFrame, type FromServer, type Hello } from './wire';

/** One way of being connected. */
export interface Transport {
  send(frame: FromFrame): void;
  /** Ends it without a word to the handlers. */
  close(): void;
}

export interface TransportEvents {
  frame(frame: FromServer): void;
  /** Any sign of life that is not a frame. */
  alive(): void;
  /** Called once; `code` is one of CLOSED or the socket's own. */
  closed(code: number): void;
}

export type OpenTransport = (hello: () => Hello, on: TransportEvents) => Transport;

/** A WebSocket: every frame both ways. */
export function openSocket(base: string): OpenTransport {
  return (hello, on) => {
    const url = new URL(`${base}/socket`, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    let socket: WebSocket;
    try {
      socket = new WebSocket(url);
    } catch {
      return blocked(on);
    }
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', ...hello() }));
    socket.onmessage = (event) => {
      on.alive();
      const frame = parse(event.data as string);
      if (frame) on.frame(frame);
    };
    socket.onclose = (event) => on.closed(event.code);
    return {
      send(frame) {
        if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
      },
      close() {
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
      },
    };
  };
}

/** Some browsers and some guards throw where others close: told as a closing, once whoever opened it can hear it. */
function blocked(on: TransportEvents): Transport {
  let ended = false;
  queueMicrotask(() => {
    if (!ended) on.closed(CLOSED.network);
  });
  return { send: () => undefined, close: () => void (ended = true) };
}

/** A frame, or null for what is none. */
export function parse(text: string): FromServer | null {
  try {
    const frame = JSON.parse(text) as FromServer | null;
    return typeof frame?.type === 'string' ? frame : null;
  } catch {
    return null;
  }
}

/** A way whose code is fetched only when it is needed. */
export function fetched(load: () => Promise<OpenTransport>): OpenTransport {
  return (hello, on) => {
    let real: Transport | null = null;
    let closed = false;
    load().then(
      (open) => {
        if (!closed) real = open(hello, on);
      },
      () => {
        if (!closed) on.closed(CLOSED.network);
      },
    );
    return {
      send: (frame) => real?.send(frame),
      close() {
        closed = true;
        real?.close();
      },
    };
  };
}
