import { tick } from 'svelte';

const NEAR = 80;

/** Keeps the reader's place in a column of messages that grows at both ends. */
export class Scroller {
  constructor(private readonly box: HTMLElement) {}

  get atBottom(): boolean {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < NEAR;
  }

  get nearTop(): boolean {
    return this.box.scrollTop < 600;
  }

  get nearBottom(): boolean {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 600;
  }

  toBottom(): void {
    this.box.scrollTop = this.box.scrollHeight;
  }

  find(seq: number): HTMLElement | null {
    return this.box.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
  }

  /** Brings something into the upper half of the window. */
  show(element: Element): void {
    const distance = element.getBoundingClientRect().top - this.box.getBoundingClientRect().top;
    this.box.scrollTop += distance - this.box.clientHeight / 3;
  }

  /** Runs a change and puts what was being read back where it stood. */
  async keepPlace(change: () => Promise<unknown>): Promise<void> {
    // What is read while the change is under way may move on: the anchor is taken at the last moment, in the same task as the drawing.
    let anchor = this.anchor();
    const watch = () => (anchor = this.anchor());
    this.box.addEventListener('scroll', watch, { passive: true });
    await change();
    this.box.removeEventListener('scroll', watch);
    await tick();
    if (anchor?.element.isConnected) this.box.scrollTop += anchor.element.getBoundingClientRect().top - anchor.top;
  }

  /** The seq of the last message whose foot is in sight. */
  lastVisible(): number {
    const foot = this.box.getBoundingClientRect().bottom + 1;
    const bubbles = [...this.box.querySelectorAll<HTMLElement>('[data-seq]')];
    for (let at = bubbles.length - 1; at >= 0; at--) {
      const bubble = bubbles[at];
      if (bubble && bubble.getBoundingClientRect().bottom <= foot) return Number(bubble.dataset['seq']);
    }
    return 0;
  }

  private anchor(): { element: HTMLElement; top: number } | null {
    const edge = this.box.getBoundingClientRect().top;
    for (const element of this.box.querySelectorAll<HTMLElement>('[data-seq]')) {
      const { top, bottom } = element.getBoundingClientRect();
      if (bottom > edge) return { element, top };
    }
    return null;
  }
}
