/** Keeps the bytes of files that wait to be uploaded, over reloads where the browser allows it. */
export interface BlobStore {
  put(id: string, blob: Blob): Promise<void>;
  get(id: string): Promise<Blob | null>;
  remove(id: string): Promise<void>;
}

const STORE = 'files';

function open(name: string): Promise<IDBDatabase | null> {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => resolve(request.result);
      request.onerror = request.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
}

function settle(request: IDBRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('storage'));
  });
}

/** IndexedDB behind memory: this page always finds what it put, even when the browser keeps nothing. */
export function openBlobs(scope: string): BlobStore {
  const memory = new Map<string, Blob>();
  let opened: Promise<IDBDatabase | null> | null = null;
  async function store(mode: IDBTransactionMode): Promise<IDBObjectStore | null> {
    opened ??= open(`comptoir:${scope}`);
    return (await opened)?.transaction(STORE, mode).objectStore(STORE) ?? null;
  }
  async function quietly<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch {
      return null;
    }
  }
  return {
    async put(id, blob) {
      memory.set(id, blob);
      await quietly(async () => {
        const files = await store('readwrite');
        if (files) await settle(files.put(blob, id));
      });
    },
    async get(id) {
      const held = memory.get(id);
      if (held) return held;
      return quietly(async () => {
        const files = await store('readonly');
        return files ? ((await settle(files.get(id))) as Blob | undefined) ?? null : null;
      });
    },
    async remove(id) {
      memory.delete(id);
      await quietly(async () => {
        const files = await store('readwrite');
        if (files) await settle(files.delete(id));
      });
    },
  };
}
