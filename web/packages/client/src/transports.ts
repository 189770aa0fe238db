import type { Frame } from './types';
import { withQuery } from './http';

export interface TransportEvents {
  onFrame(frame: Frame): void;
  /** Something came, if only a sign of life. */
  onLife(): void;
  onClose(): void;
}

/** One way of hearing from the program. `say` answers false where this way has no mouth. */
export interface Transport {
  say(frame: object): boolean;
  close(): void;
}

export interface Address {
  workspace: string;
  after: number;
  headers: Record<string, string>;
}

export type Open = (address: Address, events: TransportEvents) => Transport;

const ROOT = '/api/v1';
const query = ({ workspace, after }: Address) => ({ workspace, after });

export const socket: Open = (address, events) => {
  const url = new URL(withQuery(`${ROOT}/socket`, query(address)), location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const line = new WebSocket(url);
  let open = true;
  const ended = () => {
    if (open) events.onClose();
    open = false;
  };
  line.onmessage = (event: MessageEvent<string>) => {
    if (!open) return;
    events.onLife();
    events.onFrame(JSON.parse(event.data) as Frame);
  };
  line.onclose = ended;
  line.onerror = ended;
  return {
    say(frame) {
      if (line.readyState !== WebSocket.OPEN) return false;
      line.send(JSON.stringify(frame));
      return true;
    },
    close() {
      open = false;
      line.close();
    },
  };
};

export const stream: Open = (address, events) => {
  const source = new EventSource(withQuery(`${ROOT}/stream`, query(address)));
  source.onmessage = (event: MessageEvent<string>) => {
    events.onLife();
    events.onFrame(JSON.parse(event.data) as Frame);
  };
  source.onerror = () => {
    // Its own reconnecting knows nothing of our position after a reload frame; ours does.
    source.close();
    events.onClose();
  };
  return { say: () => false, close: () => source.close() };
};

export const poll: Open = (address, events) => {
  const stop = new AbortController();
  let after = address.after;
  const ask = async (wait: number) => {
    const url = withQuery(`${ROOT}/poll`, { workspace: address.workspace, after, wait });
    const response = await fetch(url, { signal: stop.signal, headers: address.headers });
    if (!response.ok) throw new Error(String(response.status));
    const { frames } = (await response.json()) as { frames: Frame[] };
    events.onLife();
    for (const frame of frames) {
      if ('position' in frame) after = frame.position;
      events.onFrame(frame);
    }
  };
  const run = async () => {
    try {
      // The first answer comes at once, so that the page knows it is connected.
      await ask(0);
      events.onFrame({ type: 'hello', position: after });
      while (!stop.signal.aborted) await ask(25);
    } catch {
      if (!stop.signal.aborted) events.onClose();
    }
  };
  void run();
  return { say: () => false, close: () => stop.abort() };
};
