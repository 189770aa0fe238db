import { language } from '#lib/i18n.svelte';
import { person } from '#lib/session.svelte';

export const ssr = false;
export const prerender = false;

/** Every page needs words and wants to know who is there. Runs once; navigation does not ask again. */
export async function load(): Promise<{ reachable: boolean }> {
  await language.use(language.locale);
  try {
    await person.load();
    return { reachable: true };
  } catch {
    return { reachable: false };
  }
}
