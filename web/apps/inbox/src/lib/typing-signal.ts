const REPEAT_AFTER = 3000;
const QUIET_AFTER = 5000;

/** Tells that somebody writes: at most every few seconds while they do, and once when they stop. */
export class TypingSignal {
  private last = 0;
  private quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly tell: (on: boolean) => void) {}

  touch(): void {
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.stop(), QUIET_AFTER);
    if (Date.now() - this.last < REPEAT_AFTER) return;
    this.last = Date.now();
    this.tell(true);
  }

  stop(): void {
    clearTimeout(this.quiet);
    if (this.last) this.tell(false);
    this.last = 0;
  }
}
