import type { LastMessage } from '@comptoir/client';
import { t } from './i18n.svelte';

/** A contact who has not said their name is known by the end of their id: "Visitor 4F2A". */
export function contactName(contact: { id: string; name: string | null } | undefined): string {
  if (!contact) return '…';
  return contact.name?.trim() || t('contact.nameless', { code: contact.id.slice(-4).toUpperCase() });
}

/** One line for a message whose content has no words of its own. */
export function previewText(message: Pick<LastMessage, 'content_type' | 'preview'>): string {
  if (message.preview.trim()) return message.preview;
  switch (message.content_type) {
    case 'image':
      return t('content.image');
    case 'video':
      return t('content.video');
    case 'audio':
      return t('content.audio');
    case 'file':
      return t('content.file');
    default:
      return t('content.unsupported');
  }
}
