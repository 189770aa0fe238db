import type { components } from './generated/api';
import type * as Held from './types';

/**
 * The shapes in types.ts against those of the program, which `npm run generate` writes from its OpenAPI document. Answers always
 * carry every field, also those that have a default; what a type here misses or names otherwise stops the check.
 */
type Wire = components['schemas'];
type Whole<T> = T extends (infer Item)[] ? Whole<Item>[] : T extends object ? { [Key in keyof T]-?: Whole<T[Key]> } : T;
type Told<Name extends keyof Wire> = Whole<Wire[Name]>;
/** The document names closed lists of words as plain strings; docs/protocol.md has the lists. */
type Wide<T> = T extends string ? string : T extends (infer Item)[] ? Wide<Item>[] : T extends object ? { [Key in keyof T]: Wide<T[Key]> } : T;
type Agrees<Program extends Wide<Expected>, Expected> = [Program, Expected];

export type Checked = [
  Agrees<Told<'Session'>, Held.Session>,
  Agrees<Told<'AgentView'>, Held.Agent>,
  Agrees<Told<'LabelView'>, Held.Label>,
  Agrees<Told<'Health'>, Held.InboxHealth>,
  Agrees<Told<'ContactBrief'>, Held.ContactBrief>,
  Agrees<Told<'ContactView'>, Omit<Held.Contact, 'attributes' | 'last_page'>>,
  Agrees<Told<'ConversationView'>, Held.Conversation>,
  Agrees<Told<'Conversations'>, Held.ConversationPage>,
  // An error's code and message are described as a map of texts.
  Agrees<Told<'MessageView'>, Omit<Held.Message, 'content' | 'delivery'>>,
  Agrees<Told<'DeliveryView'>, Omit<Held.Delivery, 'error'>>,
  Agrees<Told<'Counts'>, Held.Counts>,
  // Of an attachment that is sent only the id counts, hence a url that may be absent; one that is read has it.
  Agrees<Told<'Attachment'>, Omit<Held.Attachment, 'url'>>,
  Agrees<Told<'MessageHit'>, Held.MessageHit>,
];
