import { afterEach, expect, it, vi } from 'vitest';
import { openSocket, type TransportEvents } from './transports';

afterEach(() => vi.unstubAllGlobals());

/** A browser whose guard throws where a socket would be made. */
function guarded() {
  vi.stubGlobal('location', new URL('https://comptoir.example/widget/frame/1'));
  vi.stubGlobal('WebSocket', function blocked() {
    throw new DOMException('blocked', 'SecurityError');
  });
  const codes: number[] = [];
  const on: TransportEvents = { frame: () => undefined, alive: () => undefined, closed: (code) => codes.push(code) };
  return { codes, open: () => openSocket('/widget/api/1')(() => ({ token: 't', after_seq: 0 }), on) };
}

it('a socket that cannot even be made is one that closes, told after whoever asked for it has it in hand', async () => {
  const { codes, open } = guarded();
  const transport = open();
  expect(codes).toEqual([]);
  await Promise.resolve();
  expect(codes).toEqual([1006]);
  transport.send({ type: 'ping' });
  transport.close();
});

it('and says nothing once it has been given up', async () => {
  const { codes, open } = guarded();
  open().close();
  await Promise.resolve();
  expect(codes).toEqual([]);
});
