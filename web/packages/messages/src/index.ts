export { default as MessageContent } from './MessageContent.svelte';
export { isEmojiOnly } from './emoji';
export { linkify, type Piece } from './linkify';
export type { Attachment, Content, Locale, MediaContent, Shape, TextContent, UnsupportedContent } from './types';
export { fileSize, previewOf, shapeOf, shownSize } from './words';
