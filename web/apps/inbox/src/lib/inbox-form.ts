import type { Inbox } from '@comptoir/client';

/** What the page about a web inbox lets one change; every other setting is kept as it is. */
export interface InboxDraft {
  name: string;
  title: string;
  colour: string;
  greeting: string;
  origins: string;
}

const words = (value: unknown): string => (typeof value === 'string' ? value : '');

export function draftOf(inbox: Inbox | null): InboxDraft {
  const settings = inbox?.settings ?? {};
  const origins = settings['allowed_origins'];
  return {
    name: inbox?.name ?? '',
    title: words(settings['title']),
    colour: words(settings['colour']) || '#1e5b49',
    greeting: words(settings['greeting']),
    origins: Array.isArray(origins) ? origins.join('\n') : '',
  };
}

const linesOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

/** The first line that is not the address of a website, or null. */
export function badOrigin(text: string): string | null {
  return linesOf(text).find((line) => !/^https?:\/\/(\*\.)?[^\s/*?#]+\/?$/i.test(line)) ?? null;
}

export function settingsOf(draft: InboxDraft, before: Record<string, unknown>): Record<string, unknown> {
  return {
    ...before,
    title: draft.title.trim() || null,
    colour: draft.colour,
    greeting: draft.greeting.trim() || null,
    allowed_origins: linesOf(draft.origins).map((line) => line.replace(/\/$/, '')),
  };
}

/** The line a shop puts into its pages. */
export function snippetFor(inbox: Inbox): string {
  // Written in two parts, so that no parser takes it for the end of this script.
  return `<script async src="${location.origin}/widget.js?inbox=${inbox.id}"></` + 'script>';
}
