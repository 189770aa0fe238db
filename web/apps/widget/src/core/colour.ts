/** Colours of a business, made readable. All are `#rrggbb`. */

type Rgb = readonly [number, number, number];

const WHITE: Rgb = [255, 255, 255];
const INK: Rgb = [27, 33, 31];
export const HOUSE = '#1e5b49';

export function parseColour(text: string | null | undefined): Rgb | null {
  const match = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/iu.exec(text?.trim() ?? '');
  const hex = match?.[1];
  if (!hex) return null;
  const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join('') : hex;
  return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16)) as unknown as Rgb;
}

export function luminance(colour: Rgb): number {
  const [r = 0, g = 0, b = 0] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** WCAG contrast, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return from.map((part, index) => Math.round(part + ((to[index] ?? 0) - part) * share)) as unknown as Rgb;
}

function text(colour: Rgb): string {
  return `#${colour.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** Moves `colour` towards `target` in small steps until it stands out from `against` by `least`. */
function until(colour: Rgb, target: Rgb, against: Rgb, least: number): Rgb {
  for (let step = 0; step <= 20; step += 1) {
    const tried = mix(colour, target, step / 20);
    if (contrast(tried, against) >= least) return tried;
  }
  return target;
}

export interface Palette {
  /** Background of the header, of own messages and of the send button. */
  fill: string;
  /** Text on it: 4.5:1 at least. */
  onFill: string;
  /** Mixed into the fill, it only widens the distance to the text. */
  against: string;
  /** The same hue as text or mark on paper. */
  accent: string;
}

/** The business's colour as it may be used on `paper`: light colours keep dark text, middling ones are darkened for white text. */
export function palette(colour: string | null | undefined, paper: string): Palette {
  const given = parseColour(colour) ?? (parseColour(HOUSE) as Rgb);
  const ground = parseColour(paper) ?? WHITE;
  const dark = luminance(ground) < 0.2;
  const keepsDarkText = luminance(given) > 0.4;
  const readable = keepsDarkText ? given : until(given, [0, 0, 0], WHITE, 4.6);
  // On a dark page a very dark fill would sink into it.
  const fill = dark && !keepsDarkText ? until(readable, WHITE, ground, 1.6) : readable;
  const onFill = contrast(WHITE, fill) >= 4.5 ? WHITE : contrast(INK, fill) >= 4.5 ? INK : ([0, 0, 0] as Rgb);
  const accent = until(given, dark ? WHITE : ([0, 0, 0] as Rgb), ground, 4.6);
  return { fill: text(fill), onFill: text(onFill), against: onFill === WHITE ? '#000000' : '#ffffff', accent: text(accent) };
}
