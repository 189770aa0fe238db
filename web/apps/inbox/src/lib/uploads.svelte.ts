import type { Api, Attachment, Content, MediaType, SentContent } from '@comptoir/client';
import { t } from './i18n.svelte';

export const MOST_BYTES = 25 * 1024 * 1024;

export interface Upload {
  key: number;
  file: File;
  share: number;
  attachment: Attachment | null;
  error: string | null;
  /** A picture of it while it is still only here. */
  preview: string | null;
}

function mediaType(attachment: Attachment): MediaType {
  const [kind] = attachment.media_type.split('/');
  if (kind === 'image') return attachment.width ? 'image' : 'file';
  return kind === 'video' || kind === 'audio' ? kind : 'file';
}

/** The files of one composer, sent up as soon as they are chosen. */
export class Uploads {
  items = $state<Upload[]>([]);
  readonly busy = $derived(this.items.some((item) => !item.attachment && !item.error));
  readonly ready = $derived(this.items.filter((item) => item.attachment));
  private stops = new Map<number, AbortController>();
  private next = 1;

  constructor(private readonly api: Api) {}

  add(files: Iterable<File>): void {
    for (const file of files) {
      const key = this.next++;
      const tooLarge = file.size > MOST_BYTES ? t('composer.tooLarge', { name: file.name }) : null;
      const preview = file.type.startsWith('image/') && !tooLarge ? URL.createObjectURL(file) : null;
      this.items.push({ key, file, share: 0, attachment: null, error: tooLarge, preview });
      if (!tooLarge) void this.run(key, file);
    }
  }

  retry(key: number): void {
    const item = this.find(key);
    if (!item || item.file.size > MOST_BYTES) return;
    Object.assign(item, { error: null, share: 0 });
    void this.run(key, item.file);
  }

  remove(key: number): void {
    this.stops.get(key)?.abort();
    const preview = this.find(key)?.preview;
    if (preview) URL.revokeObjectURL(preview);
    this.items = this.items.filter((item) => item.key !== key);
  }

  /** What is ready, as contents to send; the first carries the text. They leave the composer. */
  take(text: string): { sent: SentContent; shown: Content }[] {
    const contents = this.ready.map(({ attachment }, index) => {
      const known = attachment as Attachment;
      const content = { type: mediaType(known), text: index === 0 ? text : '' };
      return { sent: { ...content, attachment: { id: known.id } }, shown: { ...content, attachment: known } };
    });
    for (const { key } of this.ready) this.remove(key);
    return contents;
  }

  private async run(key: number, file: File): Promise<void> {
    const stop = new AbortController();
    this.stops.set(key, stop);
    const change = (what: Partial<Upload>) => Object.assign(this.find(key) ?? {}, what);
    try {
      change({ attachment: await this.api.upload(file, (share) => change({ share }), stop.signal), share: 1 });
    } catch (error) {
      const reason = error instanceof Error && error.name === 'ApiError' ? error.message : t('composer.uploadFailed', { name: file.name });
      change({ error: reason });
    } finally {
      this.stops.delete(key);
    }
  }

  private find(key: number): Upload | undefined {
    return this.items.find((item) => item.key === key);
  }
}
