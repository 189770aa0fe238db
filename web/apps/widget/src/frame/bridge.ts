import type { FromBorrower, FromLender } from '../core/lending';
import type { Context } from '../core/wire';

/** What the loader on the shop's page tells the frame. */
export type FromLoader =
  | { comptoir: 'context'; context: Context }
  | { comptoir: 'open'; focus: boolean }
  | { comptoir: 'close' }
  | FromLender;

/** What the frame tells the loader. */
export type ToLoader =
  | { comptoir: 'ready' }
  | { comptoir: 'close' }
  | { comptoir: 'context' }
  | { comptoir: 'unread'; unread: number }
  | FromBorrower;

export interface Bridge {
  /** Origin of the shop's page, and its language, as the loader wrote them into our address. */
  readonly language: string | null;
  tell(word: ToLoader): void;
}

/** Speaks with the window that holds us, and with nobody else: same window, same origin as named in our address. */
export function openBridge(heard: (word: FromLoader) => void): Bridge {
  const words = new URLSearchParams(location.hash.slice(1));
  const origin = words.get('origin');
  const parent = window.parent === window ? null : window.parent;
  window.addEventListener('message', (event: MessageEvent<FromLoader | null>) => {
    if (parent === null || event.source !== parent || event.origin !== origin) return;
    if (typeof event.data?.comptoir === 'string') heard(event.data);
  });
  return {
    language: words.get('language'),
    tell(word) {
      if (parent && origin) parent.postMessage(word, origin);
    },
  };
}
