/** What is kept between pages. Never throws: a browser that denies storage gets memory. */
export interface KeyStore {
  get(key: string): string | null;
  /** False when the browser keeps nothing: the value then lives as long as this page. */
  set(key: string, value: string): boolean;
  remove(key: string): void;
  keys(prefix: string): string[];
}

/** A change that another tab made. */
export interface OutsideChange {
  key: string;
  now: string | null;
  before: string | null;
}

/** Some browsers throw on mere access to storage inside a foreign page's frame. */
function usable(pick: () => Storage): Storage | null {
  try {
    const storage = pick();
    const probe = 'comptoir:probe';
    storage.setItem(probe, '1');
    storage.removeItem(probe);
    return storage;
  } catch {
    return null;
  }
}

/** True where the browser keeps nothing for us over visits, as Chromium does for a foreign page's frame when third-party storage is blocked. */
export function isDenied(): boolean {
  return usable(() => window.localStorage) === null;
}

/** localStorage, else sessionStorage, else memory alone. What the disk refuses (a full quota) stays readable from memory. */
export function openStore(scope: string, candidates?: (() => Storage)[]): KeyStore {
  const picks = candidates ?? [() => window.localStorage, () => window.sessionStorage];
  const disk = picks.reduce<Storage | null>((found, pick) => found ?? usable(pick), null);
  const memory = new Map<string, string>();
  const full = (key: string) => `comptoir:${scope}:${key}`;
  return {
    get(key) {
      try {
        return memory.get(key) ?? disk?.getItem(full(key)) ?? null;
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        if (disk === null) throw new Error('no storage');
        disk.setItem(full(key), value);
        memory.delete(key);
        return true;
      } catch {
        memory.set(key, value);
        return false;
      }
    },
    remove(key) {
      memory.delete(key);
      try {
        disk?.removeItem(full(key));
      } catch {
        // Denied meanwhile: nothing is there to remove.
      }
    },
    keys(prefix) {
      const found = new Set([...memory.keys()].filter((key) => key.startsWith(prefix)));
      try {
        for (let index = 0; disk !== null && index < disk.length; index += 1) {
          const name = disk.key(index);
          if (name?.startsWith(full(prefix))) found.add(name.slice(full('').length));
        }
      } catch {
        // As above.
      }
      return [...found];
    },
  };
}

/** Listens to what other tabs of the same site write under the scope. */
export function watchStore(scope: string, changed: (change: OutsideChange) => void): () => void {
  const prefix = `comptoir:${scope}:`;
  const listen = (event: StorageEvent) => {
    if (event.key?.startsWith(prefix)) changed({ key: event.key.slice(prefix.length), now: event.newValue, before: event.oldValue });
  };
  window.addEventListener('storage', listen);
  return () => window.removeEventListener('storage', listen);
}
