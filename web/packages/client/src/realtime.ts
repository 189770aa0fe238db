import { poll, socket, stream, type Open, type Transport } from './transports';
import type { Frame, Id, RealtimeEvent, TypingAuthor } from './types';

/** `connecting` is only the first time; afterwards a lost line is `reconnecting`. */
export type Connection = 'connecting' | 'online' | 'reconnecting' | 'offline' | 'stopped';

export interface RealtimeSettings {
  workspace: Id;
  headers: () => Record<string, string>;
  /** Up to where the app knows; asked anew at every connection. */
  position: () => number;
  onEvents(events: RealtimeEvent[], position: number): void;
  /** What the app holds is too old to be caught up: load afresh, go on from `position`. */
  onReload(position: number): void;
  onTyping(conversation: Id, author: TypingAuthor, on: boolean): void;
  onConnection(state: Connection): void;
  /** After a refusal the session may be over; the app asks. */
  onLost?: () => void;
  ways?: readonly Open[];
}

const PING_EVERY = 20_000;
const SILENCE = 45_000;
const HELLO_WITHIN = 8_000;
const PONG_WITHIN = 4_000;
/** After so many openings without a hello the next way is tried. */
const TRIALS_PER_WAY = 2;

/** Hears from the program by socket, else by server-sent events, else by polling; comes back by itself and says how it stands. */
export class Realtime {
  private way = 0;
  private failures = 0;
  private line: Transport | null = null;
  private greeted = false;
  private everGreeted = false;
  private lastLife = 0;
  private stopped = false;
  private timers: Record<'retry' | 'hello' | 'pong', ReturnType<typeof setTimeout> | undefined> = {
    retry: undefined,
    hello: undefined,
    pong: undefined,
  };
  private beat: ReturnType<typeof setInterval> | undefined;
  private readonly ways: readonly Open[];

  constructor(private readonly settings: RealtimeSettings) {
    this.ways = settings.ways ?? [socket, stream, poll];
  }

  start(): void {
    this.settings.onConnection('connecting');
    window.addEventListener('online', this.wake);
    window.addEventListener('offline', this.sleep);
    document.addEventListener('visibilitychange', this.look);
    this.beat = setInterval(() => this.pulse(), PING_EVERY);
    this.open();
  }

  stop(): void {
    this.stopped = true;
    window.removeEventListener('online', this.wake);
    window.removeEventListener('offline', this.sleep);
    document.removeEventListener('visibilitychange', this.look);
    clearInterval(this.beat);
    this.drop();
    this.settings.onConnection('stopped');
  }

  /** Tells the others that I write. False when this way cannot; then the API's call does. */
  typing(conversation_id: Id, on: boolean): boolean {
    return this.line?.say({ type: 'typing', conversation_id, on }) ?? false;
  }

  private open(): void {
    this.drop();
    const way = this.ways[this.way % this.ways.length];
    if (this.stopped || !way) return;
    this.greeted = false;
    this.timers.hello = setTimeout(() => this.lost(), HELLO_WITHIN);
    const address = { workspace: this.settings.workspace, after: this.settings.position(), headers: this.settings.headers() };
    const events = { onLife: () => this.life(), onFrame: (frame: Frame) => this.hear(frame), onClose: () => this.lost() };
    try {
      this.line = way(address, events);
    } catch {
      this.pass();
    }
  }

  /** This way is forbidden here (a policy of the browser or the page): trying it again would not help, so on to the next one. */
  private pass(): void {
    clearTimeout(this.timers.hello);
    this.way += 1;
    const round = this.way % this.ways.length === 0;
    this.timers.retry = setTimeout(() => this.open(), round ? HELLO_WITHIN : 0);
  }

  private drop(): void {
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    this.line?.close();
    this.line = null;
  }

  private life(): void {
    this.lastLife = Date.now();
    clearTimeout(this.timers.pong);
  }

  private hear(frame: Frame): void {
    if (!this.greeted && (frame.type === 'hello' || frame.type === 'reload' || frame.type === 'events')) {
      this.greeted = true;
      this.everGreeted = true;
      this.failures = 0;
      clearTimeout(this.timers.hello);
      this.settings.onConnection('online');
    }
    if (frame.type === 'events') this.settings.onEvents(frame.events, frame.position);
    else if (frame.type === 'reload') this.settings.onReload(frame.position);
    else if (frame.type === 'typing') this.settings.onTyping(frame.conversation_id, frame.author, frame.on);
  }

  private lost(): void {
    const greeted = this.greeted;
    this.greeted = false;
    this.drop();
    if (this.stopped) return;
    if (!greeted) {
      this.failures += 1;
      if (this.failures % TRIALS_PER_WAY === 0) this.way += 1;
      this.settings.onLost?.();
    }
    this.settings.onConnection(navigator.onLine ? (this.everGreeted ? 'reconnecting' : 'connecting') : 'offline');
    const wait = greeted ? 200 + Math.random() * 800 : Math.min(20_000, 500 * 2 ** this.failures) * (0.5 + Math.random() / 2);
    this.timers.retry = setTimeout(() => this.open(), wait);
  }

  private pulse(): void {
    if (!this.line || !this.greeted) return;
    const canSay = this.line.say({ type: 'ping' });
    if (canSay && this.lastLife && Date.now() - this.lastLife > SILENCE) this.lost();
  }

  /** After sleep a socket may look open and be dead: a ping tells. */
  private check(): void {
    if (!this.line || !this.greeted) {
      this.again();
      return;
    }
    if (this.line.say({ type: 'ping' })) {
      clearTimeout(this.timers.pong);
      this.timers.pong = setTimeout(() => this.again(), PONG_WITHIN);
    } else this.again();
  }

  /** Afresh and from the best way on. */
  private again(): void {
    this.way = 0;
    this.failures = 0;
    if (this.everGreeted) this.settings.onConnection('reconnecting');
    this.open();
  }

  private wake = (): void => this.again();

  private sleep = (): void => {
    this.drop();
    this.greeted = false;
    this.settings.onConnection('offline');
  };

  private look = (): void => {
    if (document.visibilityState === 'visible' && navigator.onLine) this.check();
  };
}
