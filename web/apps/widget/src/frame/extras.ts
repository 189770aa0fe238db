/** What most conversations never need, fetched together when one does. */
export { openPoll, openStream } from '../core/fallback';
export { sendFile } from '../core/upload';
export { default as Emoji } from './Emoji.svelte';
export { default as Tray } from './Tray.svelte';
