/** Lucide's message-circle and chevron. */
export const OPEN = 'M7.9 20A9 9 0 1 0 4 16.1L2 22z';
export const CLOSE = 'm6 9 6 6 6-6';

/** To open, to close, what the panel is, messages that nobody has read. */
export const ENGLISH = ['Write to us', 'Close the conversation', 'Conversation with ', 'unread'] as const;
export const FRENCH = ['Nous écrire', 'Fermer la conversation', 'Conversation avec ', 'non lus'] as const;

/** The host element itself: nothing of the page reaches it, and it takes no place. */
export const HOST = 'all:initial!important;position:fixed!important;z-index:2147483000!important;display:block!important';

/** Only fixed boxes, so that the page around them never moves. `w` stands in the corner, `l` is the button, `p` the panel. */
export const CSS = `
.w{--m:20px;--s:56px;position:fixed;bottom:calc(var(--m) + env(safe-area-inset-bottom));right:calc(var(--m) + env(safe-area-inset-right))}
.w.left{right:auto;left:calc(var(--m) + env(safe-area-inset-left))}
.l{all:initial;position:relative;display:grid;place-items:center;width:var(--s);height:var(--s);border-radius:50%;background:var(--c);color:var(--i);cursor:pointer;box-shadow:0 0 0 1px #ffffff38,0 6px 20px #1b211f4d;transition:transform .16s;transform:translateY(calc(-1*var(--up,0px)))}
.l:focus-visible{outline:2px solid var(--i);outline-offset:-5px;box-shadow:0 0 0 3px var(--c)}
svg{width:26px;fill:none;stroke:currentColor;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
[hidden]{display:none!important}
.b{position:absolute;top:-4px;right:-4px;min-width:22px;padding:0 6px;border-radius:11px;box-sizing:border-box;background:#b3402f;color:#fff;font:600 13px/22px system-ui,sans-serif;text-align:center}
.p{position:absolute;bottom:68px;right:0;width:400px;height:min(680px,100vh - 108px);max-width:calc(100vw - 40px);border-radius:14px;overflow:hidden;background:#fbf9f4;box-shadow:0 0 0 1px #1b211f1f,0 12px 40px #1b211f38;animation:r .16s}
.left .p{right:auto;left:0}
iframe{display:block;width:100%;height:100%;border:0;color-scheme:normal}
@keyframes r{from{opacity:0;transform:translateY(8px)}}
@media(prefers-color-scheme:dark){.p{background:#151917}}
@media(max-width:560px),(max-height:480px){.w{--m:16px;--s:48px}.w .p{position:fixed;inset:0;width:auto;max-width:none;height:auto;border-radius:0;animation:none}}
@media(prefers-reduced-motion:reduce){.w *{animation:none;transition:none}}
@media print{.w{display:none}}`;
