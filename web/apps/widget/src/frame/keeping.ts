import { browserEnv } from '../core/env';
import { LentStore } from '../core/lent';
import { isDenied, type KeyStore, openStore, type OutsideChange, watchStore } from '../core/storage';
import type { Bridge, FromLoader } from './bridge';

/** Where the frame keeps its token, its queue and its draft. */
export interface Keeping {
  store: KeyStore;
  /** Names the listener for what other tabs write. */
  watch(changed: (change: OutsideChange) => void): void;
}

/** The frame's own storage, or the shelf that the loader lends where a browser denies storage to another site's frame. */
export function chooseKeeping(inboxId: string, bridge: () => Bridge) {
  const lent = window.parent !== window && isDenied() ? new LentStore((word) => bridge().tell(word)) : null;
  return {
    hear: (word: FromLoader) => lent?.hear(word),
    async open(): Promise<Keeping> {
      if (!lent) return { store: openStore(inboxId), watch: (changed) => watchStore(inboxId, changed) };
      await lent.borrow(browserEnv);
      return { store: lent, watch: (changed) => lent.watch(changed) };
    },
  };
}
