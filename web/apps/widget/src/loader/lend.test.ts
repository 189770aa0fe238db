import { afterEach, describe, expect, it, vi } from 'vitest';
import { keep, lend } from './lend';

/** Like a browser's storage, its entries are properties; it holds so many characters, and then throws. */
function pageStorage(entries: Record<string, string> = {}, quota = Infinity): Storage {
  const held = Object.assign(Object.create(null) as Record<string, string>, entries);
  const methods = {
    setItem(key: string, value: string) {
      if (JSON.stringify(held).length + value.length > quota) throw new DOMException('full', 'QuotaExceededError');
      held[key] = value;
    },
    removeItem: (key: string) => void Reflect.deleteProperty(held, key),
  };
  return new Proxy(held, { get: (_, name: string) => methods[name as keyof typeof methods] ?? held[name] }) as unknown as Storage;
}

function page(entries: Record<string, string> = {}, quota?: number): Storage {
  const storage = pageStorage(entries, quota);
  vi.stubGlobal('localStorage', storage);
  return storage;
}

/** As Chromium does it: mere access throws. */
function deny(): void {
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get: () => {
      throw new DOMException('denied', 'SecurityError');
    },
  });
}

const PREFIX = 'comptoir:inbox:';

afterEach(() => {
  Reflect.deleteProperty(globalThis, 'localStorage');
  vi.unstubAllGlobals();
});

describe('the shelf in the page', () => {
  it('gives what was kept for this inbox, and nothing else of the page', () => {
    page({ basket: '3 slippers', 'comptoir:other:token': 'not ours' });
    keep(PREFIX, 'token', 'abc');
    keep(PREFIX, 'q:1', '{}');
    expect(lend(PREFIX)).toEqual({ token: 'abc', 'q:1': '{}' });
    keep(PREFIX, 'token', null);
    expect(lend(PREFIX)).toEqual({ 'q:1': '{}' });
    expect(Object.keys(localStorage).sort()).toEqual(['basket', 'comptoir:inbox:q:1', 'comptoir:other:token']);
  });

  it('ignores what is no string', () => {
    page();
    for (const value of [undefined, 7, true, {}, ['x'], { toString: () => 'x' }]) keep(PREFIX, 'token', value);
    expect(lend(PREFIX)).toEqual({});
  });

  it('holds entries to a size, each and in all, and keeps what was there', () => {
    page();
    keep(PREFIX, 'draft', 'short');
    keep(PREFIX, 'draft', 'x'.repeat(65_537));
    expect(lend(PREFIX)).toEqual({ draft: 'short' });
    for (let nth = 0; nth < 10; nth += 1) keep(PREFIX, `q:${nth}`, 'x'.repeat(65_536));
    expect(Object.keys(lend(PREFIX))).toEqual(['draft', 'q:0', 'q:1', 'q:2']);
    for (let nth = 0; nth < 10; nth += 1) keep(PREFIX, 'k'.repeat(300_000), '');
    expect(JSON.stringify(lend(PREFIX)).length).toBeLessThan(262_144);
  });

  it('keeps quiet where the quota is full, and still gives what is there', () => {
    page({ 'comptoir:inbox:token': 'abc' }, 50);
    keep(PREFIX, 'q:1', 'x'.repeat(100));
    expect(lend(PREFIX)).toEqual({ token: 'abc' });
  });

  it('keeps quiet where the page itself is denied storage', () => {
    deny();
    expect(() => keep(PREFIX, 'token', 'abc')).not.toThrow();
    expect(lend(PREFIX)).toEqual({});
  });
});
