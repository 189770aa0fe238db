/** A run of text, or a link whose visible text is exactly what was written. */
export interface Piece {
  text: string;
  href: string | null;
}

// Every repetition is bounded or starts at a word's beginning, so that a long line without a link stays linear.
// Direction overrides end a link: they could make one address look like another.
const LINK =
  /(?:https?:\/\/|www\.)[^\s<>"'`\u202a-\u202e\u2066-\u2069]{1,2000}|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}/giu;

const CLOSERS: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

/** Leaves the punctuation that ends a sentence out of the link, but keeps a bracket that the link itself opened. */
function withoutTail(found: string): string {
  let end = found.length;
  while (end > 0) {
    const last = found.charAt(end - 1);
    const opener = CLOSERS[last];
    if (opener !== undefined) {
      const body = found.slice(0, end);
      if (body.split(last).length <= body.split(opener).length) break;
    } else if (!/[.,:;!?…»”’*_~\u00a0\u202f]/u.test(last)) break;
    end -= 1;
  }
  return found.slice(0, end);
}

function address(found: string): string | null {
  const isMail = !/^(?:https?:|www\.)/iu.test(found);
  const text = isMail ? `mailto:${found}` : /^www\./iu.test(found) ? `https://${found}` : found;
  try {
    const url = new URL(text);
    if (isMail) return text;
    return url.hostname.includes('.') || url.hostname === 'localhost' || url.hostname.startsWith('[') ? url.href : null;
  } catch {
    return null;
  }
}

/** Cuts a text into runs and links. Only http, https and mail addresses become links; nothing is interpreted as markup. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const shown = withoutTail(match[0]);
    const href = shown ? address(shown) : null;
    if (href === null) continue;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), href: null });
    pieces.push({ text: shown, href });
    from = match.index + shown.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), href: null });
  return pieces;
}
