const ONE = String.raw`(?:\p{Regional_Indicator}{2}|\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic}|[\u{e0020}-\u{e007f}])*)`;
const ONLY = new RegExp(`^(?:\\s*${ONE}){1,3}\\s*$`, 'u');

/** Says whether a text is one to three emoji and nothing else, which are then shown large. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 64 && ONLY.test(text);
}
