import { describe, expect, it } from 'vitest';
import { eventCutter } from './fallback';
import { Line, type LineState } from './line';
import { TestEnv } from './testing';
import { fetched, type OpenTransport, type TransportEvents } from './transports';
import type { FromFrame, Welcome } from './wire';

const WELCOME: Welcome = { type: 'welcome', visitor_id: 'v', conversation: null, messages: [], has_before: false, agents: [] };

/** Ways that a test opens and shuts. */
function setUp(works: boolean[]) {
  const env = new TestEnv();
  const attempts: number[] = [];
  const sent: FromFrame[] = [];
  const states: LineState[] = [];
  let current: TransportEvents | null = null;
  const ways: OpenTransport[] = works.map((_, number) => (_hello, on) => {
    attempts.push(number);
    current = on;
    void Promise.resolve().then(() => (works[number] ? on.frame(WELCOME) : on.closed(1006)));
    return { send: (frame) => void sent.push(frame), close: () => undefined };
  });
  const line = new Line(ways, env, () => ({ token: 't', after_seq: 0 }), {
    frame: () => undefined,
    changed: (state) => states.push(state),
    tokenRefused: () => undefined,
  });
  return { env, line, attempts, sent, states, works, events: () => current as unknown as TransportEvents };
}

describe('the way that is taken', () => {
  it('is the socket, and the others are not tried', async () => {
    const { env, line, attempts, states } = setUp([true, true, true]);
    line.start();
    await env.pass(5000);
    expect([attempts, states]).toEqual([[0], ['connecting', 'online']]);
  });

  it('falls to the stream where sockets are blocked, and to polling below that', async () => {
    const stream = setUp([false, true, true]);
    stream.line.start();
    await stream.env.pass(2000);
    expect([stream.attempts, stream.line.state]).toEqual([[0, 1], 'online']);
    const poll = setUp([false, false, true]);
    poll.line.start();
    await poll.env.pass(2000);
    expect([poll.attempts, poll.line.state]).toEqual([[0, 1, 2], 'online']);
  });

  it('stays the socket for a while when it has worked here before', async () => {
    const { env, line, attempts, works, events } = setUp([true, true, true]);
    line.start();
    await env.pass(100);
    works[0] = false;
    events().closed(1006);
    await env.pass(3000);
    works[0] = true;
    await env.pass(10_000);
    expect([new Set(attempts).size, line.state]).toEqual([1, 'online']);
  });

  it('returns to the socket after some minutes', async () => {
    const { env, line, attempts, works, events } = setUp([false, true, true]);
    line.start();
    await env.pass(400_000);
    works[0] = true;
    events().closed(1006);
    await env.pass(5000);
    expect([attempts.at(-1), line.way]).toEqual([0, 0]);
  });
});

it('comes back ever more slowly while nobody answers, and at once when woken', async () => {
  const { env, line, attempts, works } = setUp([false, false, false]);
  line.start();
  await env.pass(600_000);
  const tries = attempts.length;
  expect(tries).toBeLessThan(100);
  works[0] = works[1] = works[2] = true;
  line.wake();
  await env.pass(10);
  expect([line.state, attempts.length]).toEqual(['online', tries + 1]);
});

it('asks a silent server for a sign of life, and gives it up after 45 seconds', async () => {
  const { env, line, sent, attempts, events } = setUp([true]);
  line.start();
  await env.pass(21_000);
  expect(sent).toEqual([{ type: 'ping' }]);
  events().frame({ type: 'pong' });
  await env.pass(15_000);
  expect(attempts).toHaveLength(1);
  await env.pass(60_000);
  expect(attempts.length).toBeGreaterThan(1);
});

it('gives up a transport that never says welcome', async () => {
  const env = new TestEnv();
  let opened = 0;
  const mute: OpenTransport = () => {
    opened += 1;
    return { send: () => undefined, close: () => undefined };
  };
  const line = new Line([mute, mute], env, () => ({ token: 't', after_seq: 0 }), {
    frame: () => undefined,
    changed: () => undefined,
    tokenRefused: () => undefined,
  });
  line.start();
  await env.pass(10_000);
  expect([opened, line.way]).toEqual([2, 1]);
});

it('treats code that cannot be fetched as a line that cannot be had', async () => {
  const env = new TestEnv();
  const { line } = setUp([false]);
  line.start();
  const codes: number[] = [];
  fetched(() => Promise.reject(new Error('offline')))(() => ({ token: 't', after_seq: 0 }), {
    frame: () => undefined,
    alive: () => undefined,
    closed: (code) => codes.push(code),
  });
  await env.pass(1);
  expect(codes).toEqual([1006]);
});

it('reads server-sent events in whatever pieces they come', () => {
  const whole = ': hello\n\ndata: {"a":1}\nid: 4\n\ndata: one\r\ndata: two\r\n\r\n';
  for (let size = 1; size <= whole.length; size += 1) {
    const events: string[] = [];
    const cut = eventCutter((data) => events.push(data));
    for (let at = 0; at < whole.length; at += size) cut(whole.slice(at, at + size));
    expect(events, `pieces of ${size}`).toEqual(['{"a":1}', 'one\ntwo']);
  }
});
