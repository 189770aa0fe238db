import type { Env } from './env';
import type { OpenTransport, Transport } from './transports';
import { CLOSED, type FromFrame, type FromServer, type Hello } from './wire';

export type LineState = 'idle' | 'connecting' | 'online' | 'waiting' | 'refused';

export interface LineEvents {
  frame(frame: FromServer): void;
  changed(state: LineState): void;
  /** The server does not know the token. The line rests until `start`. */
  tokenRefused(): void;
}

/** Milliseconds. */
const WELCOME_WITHIN = 9000;
/** A socket that has never worked here may be swallowed by a proxy; the stream is not far. */
const FIRST_SOCKET_WITHIN = 4000;
const PING_EVERY = 20_000;
const SILENT_FOR = 45_000;
const LONGEST_PAUSE = 30_000;
const SOCKET_AGAIN_AFTER = 300_000;

/**
 * Keeps one transport open: socket first, server-sent events where sockets are blocked, long polling below that.
 * Comes back by itself with growing, jittered pauses, and at once when the browser says that the world is back.
 */
export class Line {
  readonly #ways: OpenTransport[];
  readonly #env: Env;
  readonly #hello: () => Hello;
  readonly #on: LineEvents;
  state: LineState = 'idle';
  #transport: Transport | null = null;
  #timers: (() => void)[] = [];
  #way = 0;
  #rounds = 0;
  #heard = 0;
  #asked = 0;
  #fallenAt = 0;
  #socketWorked = false;

  constructor(ways: OpenTransport[], env: Env, hello: () => Hello, on: LineEvents) {
    this.#ways = ways;
    this.#env = env;
    this.#hello = hello;
    this.#on = on;
  }

  /** Which way is in use: 0 the socket, 1 the stream, 2 polling. */
  get way(): number {
    return this.#way;
  }

  start(): void {
    if (this.state === 'idle') this.#open();
  }

  stop(): void {
    this.#drop();
    this.#become('idle');
  }

  /** The browser is visible or has a network again: try now, or make sure that the other side still listens. */
  wake(): void {
    if (this.state === 'waiting') {
      this.#rounds = 0;
      if (this.#socketWorked) this.#way = 0;
      this.#open();
    } else if (this.state === 'online') this.#probe(5000);
  }

  /** The browser says that the network has gone. It may be wrong, so the attempts go on. */
  lost(): void {
    if (this.state === 'online' || this.state === 'connecting') this.#closed(CLOSED.network);
  }

  /** Starts over on a new transport, as when an answer is overdue. */
  restart(): void {
    if (this.state === 'online') this.#closed(CLOSED.restart);
  }

  send(frame: FromFrame): boolean {
    if (this.state !== 'online' || !this.#transport) return false;
    this.#transport.send(frame);
    return true;
  }

  #become(state: LineState): void {
    if (this.state === state) return;
    this.state = state;
    this.#on.changed(state);
  }

  #later(ms: number, action: () => void): void {
    this.#timers.push(this.#env.after(ms, action));
  }

  #drop(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
    const transport = this.#transport;
    this.#transport = null;
    transport?.close();
  }

  #open(): void {
    this.#drop();
    if (this.#way > 0 && this.#env.now() - this.#fallenAt > SOCKET_AGAIN_AFTER) this.#way = 0;
    const way = this.#ways[this.#way];
    if (!way) return;
    this.#become('connecting');
    this.#heard = this.#env.now();
    let mine: Transport | null = null;
    const current = () => mine === null || this.#transport === mine;
    mine = way(this.#hello, {
      frame: (frame) => current() && this.#arrived(frame),
      alive: () => {
        if (current()) this.#heard = this.#env.now();
      },
      closed: (code) => current() && this.#closed(code),
    });
    this.#transport = mine;
    this.#later(this.#way === 0 && !this.#socketWorked ? FIRST_SOCKET_WITHIN : WELCOME_WITHIN, () => {
      if (this.state === 'connecting') this.#closed(CLOSED.network);
    });
  }

  #arrived(frame: FromServer): void {
    this.#heard = this.#env.now();
    if (frame.type === 'welcome') {
      this.#rounds = 0;
      if (this.#way === 0) this.#socketWorked = true;
      // The welcome is taken in before anything is sent, and before anyone hears that the line stands.
      this.#on.frame(frame);
      this.#become('online');
      if (this.#way === 0) this.#keepAlive();
      return;
    }
    if (frame.type !== 'pong') this.#on.frame(frame);
  }

  #keepAlive(): void {
    this.#later(PING_EVERY, () => {
      // A sleeping tab's timers come late: silence counts only after a question was asked.
      if (this.#asked > this.#heard && this.#env.now() - this.#heard > SILENT_FOR) {
        this.#closed(CLOSED.network);
        return;
      }
      this.#ask();
      this.#keepAlive();
    });
  }

  #ask(): void {
    this.#asked = this.#env.now();
    this.#transport?.send({ type: 'ping' });
  }

  #probe(within: number): void {
    if (this.#way > 0) return;
    this.#ask();
    const asked = this.#asked;
    this.#later(within, () => {
      if (this.state === 'online' && this.#heard < asked) this.#closed(CLOSED.network);
    });
  }

  #closed(code: number): void {
    const before = this.state;
    this.#drop();
    if (code === CLOSED.token) {
      this.#become('idle');
      this.#on.tokenRefused();
      return;
    }
    if (code === CLOSED.origin || code === CLOSED.inbox) {
      this.#become('refused');
      return;
    }
    this.#become('waiting');
    this.#later(this.#pause(code, before === 'online'), () => this.#open());
  }

  /** Decides the next way and how long to wait for it. */
  #pause(code: number, wasOnline: boolean): number {
    const jitter = (most: number) => most * (0.5 + this.#env.random() / 2);
    if (wasOnline) return jitter(code === CLOSED.restart ? 2000 : code === CLOSED.capacity ? 15_000 : 800);
    if (code === CLOSED.capacity) return jitter(15_000);
    // A socket that has worked here is not blocked: then it is the server that is away, and the other ways would fail as well.
    const patience = this.#socketWorked ? 4 : 1;
    if (this.#way === 0 && this.#rounds + 1 < patience) {
      this.#rounds += 1;
    } else if (this.#way < this.#ways.length - 1) {
      if (this.#way === 0) this.#fallenAt = this.#env.now();
      this.#way += 1;
      return 0;
    } else {
      this.#way = 0;
      this.#rounds += 1;
    }
    return jitter(Math.min(LONGEST_PAUSE, 700 * 2 ** Math.min(this.#rounds, 8)));
  }
}
