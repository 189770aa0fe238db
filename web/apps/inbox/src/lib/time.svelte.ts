import { language, t } from './i18n.svelte';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The time, moved on every half minute, so that what says "5 min" grows old by itself. */
class Clock {
  now = $state(Date.now());

  start(): () => void {
    const move = () => (this.now = Date.now());
    const timer = setInterval(move, 30_000);
    document.addEventListener('visibilitychange', move);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', move);
    };
  }
}

export const clock = new Clock();

const formats = new Map<string, Intl.DateTimeFormat>();

/** French writes 14:32, English as its region does; formatters are dear, so they are kept. */
function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = language.locale;
  const key = locale + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(locale === 'fr' ? 'fr-FR' : 'en-GB', options)));
  return found;
}

const startOfDay = (time: number): number => new Date(time).setHours(0, 0, 0, 0);

/** How many midnights lie between then and now. */
export function daysAgo(instant: string, now = clock.now): number {
  return Math.round((startOfDay(now) - startOfDay(Date.parse(instant))) / DAY);
}

export function timeOfDay(instant: string): string {
  return format({ hour: '2-digit', minute: '2-digit' }).format(new Date(instant));
}

export function fullTime(instant: string): string {
  return format({ dateStyle: 'full', timeStyle: 'short' }).format(new Date(instant));
}

/** For the list: 14:32 today, then "Yesterday", a weekday, a date. */
export function shortTime(instant: string): string {
  const days = daysAgo(instant);
  const age = clock.now - Date.parse(instant);
  if (age < MINUTE) return t('time.now');
  if (days <= 0) return timeOfDay(instant);
  if (days === 1) return t('time.yesterday');
  const date = new Date(instant);
  if (days < 7) return format({ weekday: 'short' }).format(date);
  const thisYear = date.getFullYear() === new Date(clock.now).getFullYear();
  return format(thisYear ? { day: 'numeric', month: 'short' } : { day: '2-digit', month: '2-digit', year: '2-digit' }).format(date);
}

/** For the separators between days of a conversation. */
export function dayName(instant: string): string {
  const days = daysAgo(instant);
  if (days === 0) return t('time.today');
  if (days === 1) return t('time.yesterday');
  const date = new Date(instant);
  const thisYear = date.getFullYear() === new Date(clock.now).getFullYear();
  const words = format({ weekday: 'long', day: 'numeric', month: 'long', ...(thisYear ? {} : { year: 'numeric' }) }).format(date);
  return words.charAt(0).toLocaleUpperCase(language.locale) + words.slice(1);
}

/** How long ago, in one unit: 3 min, 2 h, 5 d. */
export function since(instant: string): string {
  const age = Math.max(0, clock.now - Date.parse(instant));
  const [value, unit] = age < HOUR ? [age / MINUTE, 'minute'] : age < DAY ? [age / HOUR, 'hour'] : [age / DAY, 'day'];
  return new Intl.NumberFormat(language.locale, { style: 'unit', unit: unit as string, unitDisplay: 'short' }).format(
    Math.max(1, Math.floor(value as number)),
  );
}

/** The hour where the contact is, and whether it is night there. */
export function localTime(zone: string): { time: string; night: boolean } | null {
  try {
    const parts = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' }).format(clock.now);
    const hour = Number(parts.slice(0, 2));
    return { time: parts, night: hour < 7 || hour >= 22 };
  } catch {
    return null;
  }
}

export function languageName(tag: string): string {
  try {
    const name = new Intl.DisplayNames([language.locale], { type: 'language' }).of(tag) ?? tag;
    return name.charAt(0).toLocaleUpperCase(language.locale) + name.slice(1);
  } catch {
    return tag;
  }
}
