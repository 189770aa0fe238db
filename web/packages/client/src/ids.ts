import type { Id } from './types';

/** A UUID of version 7: milliseconds first, so that ids made later sort later; the rest is random. */
export function uuid7(now: number = Date.now()): Id {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let milliseconds = now;
  for (let at = 5; at >= 0; at--) {
    bytes[at] = milliseconds % 256;
    milliseconds = Math.floor(milliseconds / 256);
  }
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
