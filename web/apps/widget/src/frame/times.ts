import type { Locale } from '@comptoir/messages';
import type { Entry } from '../core/view';
import type { Translate } from '../i18n';

const GROUP_WITHIN = 5 * 60_000;

/** An entry with its place in the run of messages by one author. */
export interface Row {
  entry: Entry;
  /** Words for a day that begins here. */
  day: string | null;
  first: boolean;
  last: boolean;
}

function dayOf(time: Date): number {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();
}

export function dayWords(time: Date, now: Date, locale: Locale, t: Translate): string {
  const days = Math.round((dayOf(now) - dayOf(time)) / 86_400_000);
  if (days === 0) return t('today');
  if (days === 1) return t('yesterday');
  const format: Intl.DateTimeFormatOptions = { weekday: 'long', day: 'numeric', month: 'long' };
  if (time.getFullYear() !== now.getFullYear()) format.year = 'numeric';
  return new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : 'fr-FR', format).format(time);
}

/** 24 hours in both languages. */
export function clock(time: Date, locale: Locale): string {
  return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(time);
}

/** Groups what one author wrote within minutes, and marks where a day begins. */
export function rowsOf(entries: Entry[], now: Date, locale: Locale, t: Translate): Row[] {
  const times = entries.map((entry) => new Date(entry.createdAt));
  const joins = (index: number): boolean => {
    const [before, entry] = [entries[index - 1], entries[index]];
    const [earlier, time] = [times[index - 1], times[index]];
    if (!before || !entry || !earlier || !time) return false;
    const sameAuthor = before.mine === entry.mine && before.author.name === entry.author.name && before.author.kind === entry.author.kind;
    return sameAuthor && dayOf(earlier) === dayOf(time) && Math.abs(time.getTime() - earlier.getTime()) < GROUP_WITHIN;
  };
  return entries.map((entry, index) => {
    const [earlier, time] = [times[index - 1], times[index] as Date];
    const newDay = !earlier || dayOf(earlier) !== dayOf(time);
    return { entry, day: newDay ? dayWords(time, now, locale, t) : null, first: !joins(index), last: !joins(index + 1) };
  });
}
