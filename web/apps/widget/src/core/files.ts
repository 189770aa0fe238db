/** The widget's own limit for a file, in bytes. */
export const MOST_BYTES = 10 * 1024 * 1024;
/** Most files in one message being written. */
export const MOST_FILES = 5;
/** Most characters of a text. */
export const MOST_CHARACTERS = 10_000;

/** Counts as the server does: a character outside the basic plane is one, not two. */
export function characters(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length - 1; index += 1) {
    if ((text.codePointAt(index) ?? 0) > 0xffff) {
      count -= 1;
      index += 1;
    }
  }
  return count;
}

/** Width and height of a picture in pixels, or nulls for anything else. */
export async function measure(blob: Blob): Promise<{ width: number | null; height: number | null }> {
  if (!blob.type.startsWith('image/')) return { width: null, height: null };
  try {
    const bitmap = await createImageBitmap(blob);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  } catch {
    return { width: null, height: null };
  }
}
