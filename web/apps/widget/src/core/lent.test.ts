import { describe, expect, it } from 'vitest';
import { Engine, type Snapshot } from './engine';
import type { FromBorrower, FromLender } from './lending';
import { LentStore } from './lent';
import type { OutsideChange } from './storage';
import { memoryBlobs, settle, TestEnv, TestServer, testTabs } from './testing';

/** A frame whose loader answers when the test says so. */
function setUp() {
  const env = new TestEnv();
  const told: FromBorrower[] = [];
  const changes: OutsideChange[] = [];
  const store = new LentStore((word) => void told.push(word));
  store.watch((change) => changes.push(change));
  let started = false;
  void store.borrow(env).then(() => (started = true));
  return { env, told, changes, store, hasStarted: () => started };
}

const lent = (entries: Record<string, string>): FromLender => ({ comptoir: 'lent', entries });

describe('a lent store', () => {
  it('asks first, holds the start until the answer is there, and writes through', async () => {
    const { told, store, hasStarted } = setUp();
    await settle();
    expect([told, hasStarted()]).toEqual([[{ comptoir: 'lend' }], false]);
    store.hear(lent({ token: 'abc', 'q:1': '{}' }));
    await settle();
    expect([hasStarted(), store.get('token'), store.keys('q:')]).toEqual([true, 'abc', ['q:1']]);
    expect(store.set('draft', 'Bonjour')).toBe(true);
    store.remove('q:1');
    expect(told.slice(1)).toEqual([
      { comptoir: 'keep', key: 'draft', value: 'Bonjour' },
      { comptoir: 'keep', key: 'q:1', value: null },
    ]);
  });

  it('starts with memory when nobody answers, and says that nothing is kept', async () => {
    const { env, told, store, hasStarted } = setUp();
    await env.pass(3000);
    expect(hasStarted()).toBe(true);
    expect(store.set('token', 'abc')).toBe(false);
    expect([store.get('token'), told]).toEqual(['abc', [{ comptoir: 'lend' }]]);
  });

  it('takes a late answer in: what was written meanwhile stays and is kept now, the rest is news', async () => {
    const { env, told, store, changes } = setUp();
    await env.pass(3000);
    store.set('q:2', 'written meanwhile');
    store.hear(lent({ 'q:2': 'older', token: 'abc' }));
    expect([store.get('q:2'), store.get('token')]).toEqual(['written meanwhile', 'abc']);
    expect(told.slice(1)).toEqual([{ comptoir: 'keep', key: 'q:2', value: 'written meanwhile' }]);
    expect(changes).toEqual([{ key: 'token', now: 'abc', before: null }]);
  });

  it('holds a value beyond the limit in memory alone', () => {
    const { told, store } = setUp();
    store.hear(lent({}));
    expect(store.set('draft', 'x'.repeat(65_537))).toBe(false);
    expect([store.get('draft')?.length, told.length]).toEqual([65_537, 1]);
  });

  it('hears of what other tabs write', () => {
    const { store, changes } = setUp();
    store.hear(lent({}));
    store.hear({ comptoir: 'stored', key: 'token', now: 'abc' });
    store.hear({ comptoir: 'stored', key: 'token', now: null });
    expect([store.get('token'), changes]).toEqual([
      null,
      [{ key: 'token', now: 'abc', before: null }, { key: 'token', now: null, before: 'abc' }],
    ]);
  });

  it('ignores words of a wrong shape, a second answer, and news before the answer', () => {
    const { store, changes } = setUp();
    const hostile: unknown[] = [
      { comptoir: 'stored', key: 'token', now: 'too early' },
      { comptoir: 'lent' },
      { comptoir: 'lent', entries: null },
      { comptoir: 'lent', entries: 'token' },
      { comptoir: 'lent', entries: { token: 7, draft: ['x'], kept: 'yes' } },
      { comptoir: 'lent', entries: { token: 'a second answer' } },
      { comptoir: 'stored', key: 7, now: 'x' },
      { comptoir: 'stored', key: 'token', now: { toString: () => 'x' } },
      { comptoir: 'stored', key: 'token' },
      { comptoir: 'something', key: 'token', now: 'x' },
    ];
    for (const word of hostile) store.hear(word as FromLender);
    expect([store.keys(''), changes.map((change) => change.key)]).toEqual([['kept'], ['kept']]);
  });
});

it('lets a conversation go on after a visit, its unsent messages with it', async () => {
  const server = new TestServer();
  const env = new TestEnv();
  const shelf: Record<string, string> = {};
  /** A frame in a page whose loader keeps everything in `shelf`. */
  async function visit(name: string) {
    const store = new LentStore((word) => {
      if (word.comptoir === 'lend') queueMicrotask(() => store.hear(lent({ ...shelf })));
      else if (word.value === null) Reflect.deleteProperty(shelf, word.key);
      else shelf[word.key] = word.value;
    });
    await store.borrow(env);
    let snapshot: Snapshot | undefined;
    const engine = new Engine({
      env, api: server.api(), store, blobs: memoryBlobs(), tabs: testTabs(name, new Set()), ways: [server.open],
      changed: (next) => (snapshot = next),
    });
    store.watch((change) => engine.outside(change));
    engine.start();
    await env.pass(1000);
    return { engine, texts: () => snapshot?.entries.map(({ content, state }) => [content.type === 'text' && content.text, state]) };
  }
  const draft = (text: string) => ({ text, replyTo: null, context: {} });
  const first = await visit('tab1');
  first.engine.write(draft('Remember me'));
  await env.pass(1000);
  server.reachable = false;
  server.cut();
  first.engine.write(draft('Not sent yet'));
  await env.pass(1000);
  first.engine.stop();
  server.reachable = true;
  const again = await visit('tab2');
  await env.pass(1000);
  expect(again.texts()).toEqual([['Remember me', 'sent'], ['Not sent yet', 'sent']]);
  expect([server.tokens.size, Object.keys(shelf)]).toEqual([1, ['token']]);
});
