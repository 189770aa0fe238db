/** The content of a message as docs/protocol.md gives it. Unknown fields are ignored, unknown types shown as unsupported. */

export type Locale = 'en' | 'fr';

/** Bytes kept by the program. `size` is in bytes, `width` and `height` in pixels; urls are signed and expire. */
export interface Attachment {
  id: string;
  name: string;
  media_type: string;
  size: number;
  width: number | null;
  height: number | null;
  url: string;
  preview_url: string | null;
}

export interface TextContent {
  type: 'text';
  text: string;
}

export interface MediaContent {
  type: 'image' | 'video' | 'audio' | 'file';
  attachment: Attachment;
  text: string;
}

export interface UnsupportedContent {
  type: 'unsupported';
  summary: string;
}

export type Content = TextContent | MediaContent | UnsupportedContent;

/** What a bubble needs to know: emoji stand free, media run to the edge, the rest has padding. */
export type Shape = 'text' | 'emoji' | 'media' | 'card';
