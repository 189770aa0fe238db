import type { MessageKind } from '@comptoir/client';
import { storage } from './storage';

const key = (agent: string, conversation: string, kind: MessageKind) => `comptoir.draft.${agent}.${conversation}.${kind}`;

/** What an agent has begun to write, kept letter by letter until it is sent. */
export const drafts = {
  read: (agent: string, conversation: string, kind: MessageKind): string => storage.get(key(agent, conversation, kind)) ?? '',
  write: (agent: string, conversation: string, kind: MessageKind, text: string): void =>
    storage.set(key(agent, conversation, kind), text || null),
};
