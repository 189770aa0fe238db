import type { Attachment, Content, Locale, Shape } from './types';
import { isEmojiOnly } from './emoji';

const WORDS = {
  en: {
    image: 'Photo',
    video: 'Video',
    audio: 'Sound',
    file: 'File',
    open: 'Open the photo',
    download: 'Download',
    unsupported: 'This kind of message cannot be shown here.',
    newWindow: 'opens in a new window',
    missing: 'This photo can no longer be shown.',
  },
  fr: {
    image: 'Photo',
    video: 'Vidéo',
    audio: 'Son',
    file: 'Fichier',
    open: 'Ouvrir la photo',
    download: 'Télécharger',
    unsupported: 'Ce type de message ne peut pas être affiché ici.',
    newWindow: 'nouvelle fenêtre',
    missing: 'Cette photo ne peut plus être affichée.',
  },
} as const;

export type Word = keyof (typeof WORDS)['en'];

/** A word of the renderers in the reader's language. */
export function word(locale: Locale, key: Word): string {
  return WORDS[locale][key];
}

/** A size in the units of the language: 1.2 MB, 1,2 Mo. */
export function fileSize(bytes: number, locale: Locale): string {
  const [unit, value] =
    bytes >= 1_000_000 ? ['megabyte', bytes / 1_000_000] : bytes >= 1000 ? ['kilobyte', bytes / 1000] : ['byte', bytes];
  const digits = unit === 'megabyte' && (value as number) < 10 ? 1 : 0;
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: unit as string,
    // English abbreviates everything but the byte itself, and then forgets its plural.
    unitDisplay: unit === 'byte' ? 'long' : 'short',
    maximumFractionDigits: digits,
  }).format(value as number);
}

/** The size a picture is shown at, in CSS pixels, known before its bytes are there so that nothing moves. */
export function shownSize(attachment: Attachment, most = { width: 280, height: 320 }): { width: number; height: number } {
  const { width, height } = attachment;
  if (!width || !height) return { width: 240, height: 180 };
  const scale = Math.min(1, most.width / width, most.height / height);
  return { width: Math.max(72, Math.round(width * scale)), height: Math.max(56, Math.round(height * scale)) };
}

/** How the bubble around a content is shaped. */
export function shapeOf(content: Content): Shape {
  switch (content.type) {
    case 'text':
      return isEmojiOnly(content.text) ? 'emoji' : 'text';
    case 'image':
    case 'video':
      return 'media';
    default:
      return 'card';
  }
}

/** One line that stands for a content in a quote or a list. */
export function previewOf(content: Content, locale: Locale): string {
  switch (content.type) {
    case 'text':
      return oneLine(content.text);
    case 'image':
    case 'video':
    case 'audio':
      return content.text ? `${word(locale, content.type)} · ${oneLine(content.text)}` : word(locale, content.type);
    case 'file':
      return content.attachment.name || word(locale, 'file');
    default:
      return content.summary || word(locale, 'unsupported');
  }
}

function oneLine(text: string): string {
  return text.slice(0, 200).replace(/\s+/gu, ' ').trim();
}
