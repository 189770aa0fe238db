import { describe, expect, it } from 'vitest';
import { ApiError, NetworkError } from '../src/http';
import { uuid7 } from '../src/ids';
import { SendQueue, type Queued, type QueueStorage } from '../src/queue';
import type { Message, NewMessage } from '../src/types';

class Shelf implements QueueStorage {
  private readonly entries = new Map<string, string>();

  get length() {
    return this.entries.size;
  }

  key = (index: number) => [...this.entries.keys()][index] ?? null;
  getItem = (key: string) => this.entries.get(key) ?? null;
  setItem = (key: string, value: string) => void this.entries.set(key, value);
  removeItem = (key: string) => void this.entries.delete(key);
}

/** A program that keeps what it is sent, by id; `line` may break before or after it has understood. */
class Program {
  kept: NewMessage[] = [];
  calls = 0;
  line: ('up' | 'down' | 'lost answer' | 'refuses')[] = [];

  send = async (conversation_id: string, message: NewMessage): Promise<Message> => {
    this.calls += 1;
    await Promise.resolve();
    const how = this.line.shift() ?? 'up';
    if (how === 'down') throw new NetworkError('down');
    if (how === 'refuses') throw new ApiError(422, 'window_closed', 'The contact can no longer be written to.');
    if (!this.kept.some((one) => one.id === message.id)) this.kept.push(message);
    if (how === 'lost answer') throw new NetworkError('lost');
    return { id: message.id, conversation_id } as Message;
  };
}

function desk(program: Program, storage: QueueStorage = new Shelf()) {
  const sent: string[] = [];
  let shown: readonly Queued[] = [];
  const queue = new SendQueue({
    prefix: 'queue.',
    storage,
    send: program.send,
    onSent: (message) => sent.push(message.id),
    onChange: (items) => (shown = items),
    pause: () => 1,
  });
  const write = (text: string, conversation_id = 'c') => {
    const content = { type: 'text', text } as const;
    const id = uuid7();
    queue.add({ id, conversation_id, kind: 'message', sent: content, shown: content, reply_to: null, created_at: new Date().toISOString() });
    return id;
  };
  return { queue, sent, write, storage, shown: () => shown };
}

const until = async (condition: () => boolean) => {
  for (let turn = 0; turn < 200 && !condition(); turn++) await new Promise((done) => setTimeout(done, 2));
  expect(condition()).toBe(true);
};
const texts = (program: Program) => program.kept.map(({ content }) => content.text);

describe('the queue of messages to send', () => {
  it('keeps their order over a broken line', async () => {
    const program = new Program();
    program.line = ['down', 'down'];
    const { write, shown } = desk(program);
    for (const text of ['one', 'two', 'three']) write(text);
    await until(() => shown().length === 0);
    expect(texts(program)).toEqual(['one', 'two', 'three']);
  });

  it('sends a message again whose answer was lost, under the same id', async () => {
    const program = new Program();
    program.line = ['lost answer'];
    const { write, sent } = desk(program);
    const id = write('once');
    await until(() => sent.length === 1);
    expect([program.calls, texts(program), sent]).toEqual([2, ['once'], [id]]);
  });

  it('holds what the program refuses, lets the next one pass, and gives the text back', async () => {
    const program = new Program();
    program.line = ['refuses'];
    const { queue, write, shown } = desk(program);
    const id = write('not now');
    write('but this');
    await until(() => texts(program).includes('but this'));
    await until(() => shown().length === 1);
    expect(shown()[0]).toMatchObject({ id, state: 'refused', error: { code: 'window_closed' } });
    expect(queue.discard(id)?.sent).toEqual({ type: 'text', text: 'not now' });
    expect(shown()).toEqual([]);
  });

  it('a refused message can be tried again', async () => {
    const program = new Program();
    program.line = ['refuses'];
    const { queue, write, shown } = desk(program);
    const id = write('later');
    await until(() => shown()[0]?.state === 'refused');
    queue.retry(id);
    await until(() => shown().length === 0);
    expect(texts(program)).toEqual(['later']);
  });

  it('survives the page being closed in the middle of sending', async () => {
    const away = new Program();
    away.line = Array.from({ length: 500 }, () => 'down' as const);
    const first = desk(away);
    first.write('written offline');
    first.queue.stop();
    const program = new Program();
    const second = desk(program, first.storage);
    second.queue.start();
    await until(() => second.shown().length === 0 && program.kept.length === 1);
    expect(texts(program)).toEqual(['written offline']);
    expect(second.storage.length).toBe(0);
  });
});

describe('ids made here', () => {
  it('are UUIDs of version 7 that sort by time', () => {
    const ids = [1, 2, 3, 1_700_000_000_000].map((now) => uuid7(now));
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
    expect([...ids].sort()).toEqual(ids);
  });
});
