import { Api, ApiError, type Locale, type Session } from '@comptoir/client';
import { language } from './i18n.svelte';
import { storage } from './storage';

export type Theme = 'system' | 'light' | 'dark';

const THEME = 'comptoir.theme';

/** Who is signed in, in which language and light. */
class Person {
  session = $state.raw<Session | null>(null);
  /** Where to go back to after signing in. */
  wanted: string | null = null;
  theme = $state<Theme>((storage.get(THEME) as Theme | null) ?? 'system');
  readonly api = this.apiFor(null);

  apiFor(workspace: string | null): Api {
    return new Api({ workspace, locale: () => language.locale, onSignedOut: () => (this.session = null) });
  }

  /** Asks who is signed in; null when nobody is. Throws when the program cannot be reached. */
  async load(): Promise<Session | null> {
    try {
      await this.take(await this.api.session());
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      this.session = null;
    }
    return this.session;
  }

  async signIn(email: string, password: string): Promise<void> {
    await this.take(await this.api.signIn(email, password));
  }

  async signOut(): Promise<void> {
    await this.api.signOut();
    // The next person at this browser finds nothing begun. What waits to be sent stays: it was promised to go out.
    storage.forget('comptoir.draft.');
    this.session = null;
  }

  async setLocale(locale: Locale): Promise<void> {
    await language.use(locale);
    if (this.session) this.session = await this.api.setLocale(locale);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    storage.set(THEME, theme === 'system' ? null : theme);
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }

  private async take(session: Session): Promise<void> {
    const locale = session.person.locale.slice(0, 2);
    if (locale === 'en' || locale === 'fr') await language.use(locale);
    this.session = session;
  }
}

export const person = new Person();
