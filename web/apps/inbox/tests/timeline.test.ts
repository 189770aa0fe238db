import type { Conversation, Message } from '@comptoir/client';
import { describe, expect, it } from 'vitest';
import { entriesOf, saidFrom } from '../src/lib/timeline';

const conversation = { contact_delivered_seq: 0, contact_read_seq: 0 } as Conversation;

function message(seq: number, kind: 'contact' | 'agent', minute: number, state: string | null = null): Message {
  return {
    id: `m${seq}`,
    seq,
    kind: 'message',
    author: { kind, id: kind, name: null },
    created_at: new Date(2026, 0, 5, 10, minute).toISOString(),
    content: { type: 'text', text: String(seq) },
    delivery: state ? { state, error: null } : null,
  } as unknown as Message;
}

const lines = (messages: Message[], readSeq: number | null = null) =>
  entriesOf(
    messages.map((one) => saidFrom(one, conversation)),
    readSeq,
  ).map((entry) => (entry.type === 'said' ? `${entry.said.seq}${entry.first ? ' first' : ''}${entry.last ? ' last' : ''}` : entry.type));

describe('bubbles', () => {
  it('of one author within five minutes stand together', () => {
    expect(lines([message(1, 'contact', 0), message(2, 'contact', 2), message(3, 'contact', 9)])).toEqual(['day', '1 first', '2 last', '3 first last']);
  });

  it('of two authors stand apart', () => {
    expect(lines([message(1, 'contact', 0), message(2, 'agent', 1)])).toEqual(['day', '1 first last', '2 first last']);
  });

  it('the line "New" stands before the first inbound message not read, and parts its group', () => {
    expect(lines([message(1, 'contact', 0), message(2, 'contact', 1), message(3, 'contact', 2)], 1)).toEqual([
      'day',
      '1 first last',
      'unread',
      '2 first',
      '3 last',
    ]);
  });
});

describe('receipts', () => {
  const receipt = (state: string, marks: Partial<Conversation>) => saidFrom(message(4, 'agent', 0, state), { ...conversation, ...marks }).receipt;

  it('what the contact has read beyond a message is read too', () => {
    expect(receipt('sent', { contact_read_seq: 9, contact_delivered_seq: 9 })).toBe('read');
    expect(receipt('sent', { contact_delivered_seq: 4 })).toBe('delivered');
    expect(receipt('read', { contact_delivered_seq: 4 })).toBe('read');
  });

  it('a failure stays a failure', () => {
    expect(receipt('failed', { contact_read_seq: 9 })).toBe('failed');
  });
});
