import { describe, expect, it } from 'vitest';
import { type Api, HttpError } from './api';
import { Engine, type Snapshot } from './engine';
import { type OutsideChange, openStore } from './storage';
import { memoryBlobs, SharedStorage, TestEnv, TestServer, testTabs } from './testing';

const REFUSED = new HttpError(401, { code: 'visitor_token_refused', message: '' });

/** A browser with any number of tabs on one page. */
class Browser {
  readonly storage = new SharedStorage();
  readonly alive = new Set<string>();
  readonly blobs = memoryBlobs();
  #tabs: { engine: Engine; name: string }[] = [];
  #opened = 0;

  constructor(readonly server: TestServer, readonly env: TestEnv) {}

  tab(over: Partial<Api> = {}): { engine: Engine; now: () => Snapshot; name: string } {
    let snapshot: Snapshot | undefined;
    const name = `tab${(this.#opened += 1)}`;
    const store = openStore('inbox', [() => this.storage]);
    const engine = new Engine({
      env: this.env,
      api: this.server.api(over),
      store: {
        ...store,
        set: (key, value) => this.#tell(name, key, store.get(key), value, () => store.set(key, value)),
        remove: (key) => this.#tell(name, key, store.get(key), null, () => (store.remove(key), true)),
      },
      blobs: this.blobs,
      tabs: testTabs(name, this.alive),
      ways: [this.server.open],
      changed: (next) => (snapshot = next),
    });
    this.#tabs.push({ engine, name });
    engine.start();
    return { engine, name, now: () => snapshot as Snapshot };
  }

  /** As browsers do: the other tabs hear of a change, the one that made it does not. */
  #tell(name: string, key: string, before: string | null, now: string | null, act: () => boolean): boolean {
    const kept = act();
    const change: OutsideChange = { key, now, before };
    if (kept && now !== before) for (const tab of this.#tabs) if (tab.name !== name && this.alive.has(tab.name)) tab.engine.outside(change);
    return kept;
  }

  /** A tab that is gone: its engine stops, its storage stays. */
  close(tab: { engine: Engine; name: string }): void {
    tab.engine.stop();
    this.alive.delete(tab.name);
  }
}

function setUp() {
  const server = new TestServer();
  const env = new TestEnv();
  return { server, env, browser: new Browser(server, env) };
}

const draft = (text: string) => ({ text, replyTo: null, context: {} });
const texts = (snapshot: Snapshot) => snapshot.entries.map((entry) => (entry.content.type === 'text' ? entry.content.text : entry.content.type));
const states = (snapshot: Snapshot) => snapshot.entries.map((entry) => entry.state);

describe('a first message', () => {
  it('asks for a token only then, and is sent once', async () => {
    const { server, env, browser } = setUp();
    const tab = browser.tab();
    await env.pass(60_000);
    expect([server.tokens.size, server.hellos.length]).toEqual([0, 0]);
    tab.engine.write(draft('Bonjour'));
    expect(states(tab.now())).toEqual(['waiting']);
    await env.pass(1000);
    expect(server.messages.map((message) => message.client_id)).toEqual(['id-1']);
    expect(states(tab.now())).toEqual(['sent']);
    expect(browser.storage.length).toBe(1);
  });

  it('is in storage before anyone sees it, and outlives the page', async () => {
    const { server, env, browser } = setUp();
    server.reachable = false;
    const tab = browser.tab({ visitor: () => Promise.reject(new HttpError(0, { code: 'no_answer', message: '' })) });
    tab.engine.write(draft('Bonjour'));
    expect([...browser.storage.map.keys()]).toEqual(['comptoir:inbox:q:id-1']);
    await env.pass(5000);
    browser.close(tab);
    server.reachable = true;
    const next = browser.tab();
    await env.pass(20_000);
    expect(server.received.map((frame) => frame.client_id)).toEqual(['id-1']);
    expect(texts(next.now())).toEqual(['Bonjour']);
  });
});

describe('a line that breaks', () => {
  it('repeats what was not acknowledged under the same ids, in order, and shows it once', async () => {
    const { server, env, browser } = setUp();
    const tab = browser.tab();
    tab.engine.write(draft('un'));
    await env.pass(1000);
    server.acknowledges = false;
    tab.engine.write(draft('deux'));
    tab.engine.write(draft('trois'));
    await env.pass(100);
    server.cut();
    tab.engine.write(draft('quatre'));
    server.acknowledges = true;
    await env.pass(5000);
    expect(server.messages.map((message) => (message.content as { text: string }).text)).toEqual(['un', 'deux', 'trois', 'quatre']);
    expect(texts(tab.now())).toEqual(['un', 'deux', 'trois', 'quatre']);
    expect(states(tab.now())).toEqual(['sent', 'sent', 'sent', 'sent']);
    expect([...browser.storage.map.keys()]).toEqual(['comptoir:inbox:token']);
  });

  it('goes on after the last message it holds, and applies a repeated message once', async () => {
    const { server, env, browser } = setUp();
    const tab = browser.tab();
    tab.engine.write(draft('un'));
    await env.pass(1000);
    server.cut(1012);
    server.say('deux');
    await env.pass(5000);
    expect(server.hellos.at(-1)?.after_seq).toBe(1);
    server.push({ type: 'messages', messages: server.messages });
    expect(texts(tab.now())).toEqual(['un', 'deux']);
  });

  it('leaves no hole after a long absence', async () => {
    const { server, env, browser } = setUp();
    const tab = browser.tab();
    tab.engine.write(draft('un'));
    await env.pass(1000);
    server.cut();
    for (let number = 2; number <= 50; number += 1) server.say(String(number));
    await env.pass(5000);
    expect(tab.now().entries.map((entry) => entry.seq)).toEqual(Array.from({ length: 30 }, (_, index) => index + 21));
    await tab.engine.loadBefore();
    expect(tab.now().entries).toHaveLength(50);
    expect(tab.now().hasBefore).toBe(false);
  });

  it('is made anew when an acknowledgement is overdue', async () => {
    const { server, env, browser } = setUp();
    const tab = browser.tab();
    tab.engine.write(draft('un'));
    await env.pass(1000);
    server.mood = 'loses';
    tab.engine.write(draft('deux'));
    await env.pass(1000);
    server.mood = 'takes';
    expect([server.hellos.length, states(tab.now()).at(-1)]).toEqual([1, 'sending']);
    await env.pass(40_000);
    expect([server.hellos.length, states(tab.now()).at(-1)]).toEqual([2, 'sent']);
    expect(server.messages.map((message) => message.client_id)).toEqual(['id-1', 'id-2']);
  });
});

describe('two tabs', () => {
  it('stand in step, and each message goes out from one of them alone', async () => {
    const { server, env, browser } = setUp();
    const [one, two] = [browser.tab(), browser.tab()];
    one.engine.write(draft('du premier'));
    await env.pass(1000);
    expect(texts(two.now())).toEqual(['du premier']);
    server.reachable = false;
    server.cut();
    two.engine.write(draft('du second'));
    one.engine.write(draft('encore du premier'));
    expect(texts(one.now())).toEqual(texts(two.now()));
    await env.pass(60_000);
    server.reachable = true;
    one.engine.wake();
    two.engine.wake();
    await env.pass(60_000);
    expect(server.received.map((frame) => frame.client_id).sort()).toEqual(['id-1', 'id-2', 'id-3']);
    expect(states(one.now())).toEqual(['sent', 'sent', 'sent']);
    expect(states(two.now())).toEqual(['sent', 'sent', 'sent']);
  });

  it('take over what a closed tab left', async () => {
    const { server, env, browser } = setUp();
    const [one, two] = [browser.tab(), browser.tab()];
    one.engine.write(draft('un'));
    await env.pass(1000);
    server.reachable = false;
    server.cut();
    one.engine.write(draft('orphelin'));
    browser.close(one);
    server.reachable = true;
    two.engine.wake();
    await env.pass(10_000);
    expect(server.received.map((frame) => frame.client_id)).toEqual(['id-1', 'id-2']);
    expect(texts(two.now())).toEqual(['un', 'orphelin']);
  });
});

describe('refusals', () => {
  it('keep the text, say why, and let it be tried again or taken back', async () => {
    const { server, env, browser } = setUp();
    const tab = browser.tab();
    server.mood = 'refuses';
    tab.engine.write(draft('trop'));
    tab.engine.write(draft('aussi'));
    await env.pass(60_000);
    expect(states(tab.now())).toEqual(['refused', 'refused']);
    expect(tab.now().entries[0]?.error?.message).toBe('Trop long.');
    expect(server.received).toHaveLength(2);
    browser.close(tab);
    const next = browser.tab();
    expect(states(next.now())).toEqual(['refused', 'refused']);
    expect(next.engine.discard('id-1')).toBe('trop');
    server.mood = 'takes';
    next.engine.retry('id-2');
    await env.pass(1000);
    expect(texts(next.now())).toEqual(['aussi']);
    expect(states(next.now())).toEqual(['sent']);
  });

  it('of a token are believed only when repeated, and cost no message', async () => {
    const { server, env, browser } = setUp();
    const tab = browser.tab({ session: () => Promise.reject(REFUSED) });
    tab.engine.write(draft('un'));
    await env.pass(1000);
    server.tokens.clear();
    server.messages.length = 0;
    server.cut();
    tab.engine.write(draft('deux'));
    await env.pass(30_000);
    expect(browser.storage.getItem('comptoir:inbox:token')).toBe('t2');
    expect(server.messages.map((message) => message.client_id)).toEqual(['id-2']);
  });

  it('of a token that the server knows after all change nothing', async () => {
    const { server, env, browser } = setUp();
    const tab = browser.tab();
    tab.engine.write(draft('un'));
    await env.pass(1000);
    server.cut(4401);
    await env.pass(30_000);
    expect(browser.storage.getItem('comptoir:inbox:token')).toBe('t1');
    expect(tab.now().line).toBe('online');
  });

  it('of the page end the attempts and keep what is written', async () => {
    const { server, env, browser } = setUp();
    const tab = browser.tab();
    tab.engine.write(draft('un'));
    await env.pass(1000);
    server.cut(4403);
    tab.engine.write(draft('deux'));
    const tries = server.hellos.length;
    await env.pass(600_000);
    expect([tab.now().line, server.hellos.length]).toEqual(['refused', tries]);
    expect(texts(tab.now())).toEqual(['un', 'deux']);
  });

  it('for want of room are only put off', async () => {
    const { server, env, browser } = setUp();
    const tab = browser.tab();
    tab.engine.write(draft('un'));
    await env.pass(1000);
    server.acknowledges = false;
    tab.engine.write(draft('deux'));
    await env.pass(50);
    server.push({ type: 'unavailable', client_id: 'id-2', retry_after: 2 });
    server.acknowledges = true;
    await env.pass(3000);
    expect(states(tab.now())).toEqual(['sent', 'sent']);
  });
});

describe('receipts', () => {
  it('say what has arrived, what has been seen, and say it again after a lost line', async () => {
    const { server, env, browser } = setUp();
    const tab = browser.tab();
    tab.engine.write(draft('un'));
    await env.pass(1000);
    server.say('deux');
    await env.pass(1000);
    expect(server.receipts.at(-1)).toMatchObject({ delivered_seq: 2, read_seq: 0 });
    expect(tab.now().unread).toBe(1);
    tab.engine.see(true);
    await env.pass(1000);
    expect(server.receipts.at(-1)).toMatchObject({ delivered_seq: 2, read_seq: 2 });
    expect(tab.now().unread).toBe(0);
    server.receipts.length = 0;
    server.cut();
    await env.pass(5000);
    expect(server.receipts.at(-1)).toMatchObject({ delivered_seq: 2, read_seq: 2 });
  });
});

it('keeps files before their message shows, uploads them in turn, and holds the order', async () => {
  const { server, env, browser } = setUp();
  const uploaded: string[] = [];
  let fail = true;
  const tab = browser.tab({
    upload: async (_, { name, progress }) => {
      progress(0.5);
      if (fail) throw new HttpError(0, { code: 'no_answer', message: '' });
      uploaded.push(name);
      return { id: `a-${name}`, name, media_type: 'image/png', size: 3, width: 2, height: 2, url: '/m', preview_url: null };
    },
  });
  tab.engine.write(draft('avant'));
  await env.pass(500);
  const file = { name: 'talon.png', media_type: 'image/png', size: 3, width: 2, height: 2, blob: new Blob(['abc']), url: null };
  await tab.engine.writeFile(draft('voici'), file);
  tab.engine.write(draft('après'));
  await env.pass(500);
  expect(states(tab.now())).not.toContain('refused');
  fail = false;
  await env.pass(20_000);
  expect(uploaded).toEqual(['talon.png']);
  expect(server.received.map((frame) => frame.content.type)).toEqual(['text', 'image', 'text']);
  expect(await browser.blobs.get('id-2')).toBeNull();
});

it('works without any storage, for as long as the page lives', async () => {
  const { server, env, browser } = setUp();
  browser.storage.denied = true;
  const tab = browser.tab();
  tab.engine.write(draft('un'));
  await env.pass(1000);
  server.cut();
  tab.engine.write(draft('deux'));
  await env.pass(10_000);
  expect(server.messages).toHaveLength(2);
});
