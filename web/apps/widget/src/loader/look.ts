/** Lucide's message-circle and chevron. */
export const OPEN = 'M7.9 20A9 9 0 1 0 4 16.1L2 22z';
export const CLOSE = 'm6 9 6 6 6-6';

export const STRINGS = {
  en: { open: 'Write to us', close: 'Close the conversation', title: 'Conversation with ', unread: 'unread' },
  fr: { open: 'Nous écrire', close: 'Fermer la conversation', title: 'Conversation avec ', unread: 'non lus' },
};

/** Only fixed boxes, so that the page around them never moves. */
export const CSS = `
.l{all:initial;position:fixed;inset:auto calc(20px + env(safe-area-inset-right)) calc(20px + env(safe-area-inset-bottom)) auto;box-sizing:border-box;display:flex;align-items:center;justify-content:center;gap:8px;min-width:56px;height:56px;padding:0 16px;border-radius:28px;background:var(--c);color:var(--i);font:600 16px/1 system-ui,sans-serif;cursor:pointer;box-shadow:0 1px 2px #1b211f29,0 6px 20px #1b211f3d;transition:transform .16s;transform:translateY(calc(-1*var(--up,0px)));-webkit-tap-highlight-color:transparent}
.left{inset:auto auto calc(20px + env(safe-area-inset-bottom)) calc(20px + env(safe-area-inset-left))}
.l:focus-visible{outline:2px solid var(--i);outline-offset:-5px;box-shadow:0 0 0 3px var(--c),0 6px 20px #1b211f3d}
.l svg{width:24px;height:24px;fill:none;stroke:currentColor;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
.l.open .t,[hidden]{display:none!important}
.b{position:absolute;top:-4px;right:-4px;min-width:22px;height:22px;padding:0 6px;border-radius:11px;box-sizing:border-box;background:#b3402f;color:#fff;font:600 13px/22px system-ui,sans-serif;text-align:center}
.p{position:fixed;inset:auto calc(20px + env(safe-area-inset-right)) calc(88px + env(safe-area-inset-bottom)) auto;width:400px;height:min(680px,calc(100vh - 108px));max-width:calc(100vw - 40px);border-radius:14px;overflow:hidden;background:#fbf9f4;box-shadow:0 0 0 1px #1b211f1f,0 12px 40px #1b211f38;animation:r .16s}
.p.left{inset:auto auto calc(88px + env(safe-area-inset-bottom)) calc(20px + env(safe-area-inset-left))}
iframe{display:block;width:100%;height:100%;border:0;color-scheme:normal}
@keyframes r{from{opacity:0;transform:translateY(8px)}}
@media(prefers-color-scheme:dark){.p{background:#151917;box-shadow:0 0 0 1px #ffffff24,0 12px 40px #0008}}
@media(max-width:560px),(max-height:480px){.p,.p.left{inset:0;width:100%;max-width:none;height:100vh;height:100dvh;border-radius:0;animation:none}.l.open{display:none}.l{min-width:48px;height:48px;padding:0 12px;inset:auto calc(16px + env(safe-area-inset-right)) calc(16px + env(safe-area-inset-bottom)) auto}.left{inset:auto auto calc(16px + env(safe-area-inset-bottom)) calc(16px + env(safe-area-inset-left))}.t{display:none}}
@media(prefers-reduced-motion:reduce){.p{animation:none}.l{transition:none}}
@media print{.l,.p{display:none}}`;
