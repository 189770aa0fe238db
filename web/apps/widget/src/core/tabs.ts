import type { Env } from './env';

/** The tabs of one browser: each holds a lock as long as it lives, so that the others know who has gone. */
export interface Tabs {
  readonly id: string;
  isAlive(tab: string): Promise<boolean>;
  /** One tab at a time runs `work`. */
  alone<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export function openTabs(scope: string, env: Env): Tabs {
  const id = env.uuid();
  const name = (tab: string) => `comptoir:${scope}:tab:${tab}`;
  const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
  // Denied in some frames; then nobody is known to be alive, and the server's deduplication alone keeps sends single.
  void locks?.request(name(id), () => new Promise(() => undefined)).catch(() => undefined);
  return {
    id,
    async isAlive(tab) {
      if (tab === id) return true;
      try {
        const state = await locks?.query();
        return state?.held?.some((lock) => lock.name === name(tab)) ?? false;
      } catch {
        return false;
      }
    },
    async alone(what, work) {
      let started = false;
      try {
        if (!locks) return await work();
        return (await locks.request(`comptoir:${scope}:${what}`, () => {
          started = true;
          return work();
        })) as Awaited<ReturnType<typeof work>>;
      } catch (error) {
        if (started || !locks) throw error;
        return work();
      }
    },
  };
}
