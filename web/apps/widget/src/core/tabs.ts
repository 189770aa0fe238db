import type { Env } from './env';

/** The tabs of one browser: each can be asked whether it still lives, so that the others know what was left behind. */
export interface Tabs {
  readonly id: string;
  isAlive(tab: string): Promise<boolean>;
  /** One tab at a time runs `work`, as far as the browser lets tabs agree on it. */
  alone<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Milliseconds that a tab has to answer its name. */
const ANSWER_WITHIN = 800;

type RollCall = (tab: string) => Promise<boolean>;

/** Where locks are missing or denied, a tab that lives answers when its name is called. */
export function openRollCall(scope: string, id: string, env: Env): RollCall {
  const asked = new Map<string, () => void>();
  let channel: BroadcastChannel;
  try {
    channel = new BroadcastChannel(`comptoir:${scope}:tabs`);
  } catch {
    // Nobody is known to be alive then, and the server's deduplication alone keeps sends single.
    return async () => false;
  }
  channel.onmessage = ({ data }: MessageEvent<{ call?: unknown; here?: unknown } | null>) => {
    if (data?.call === id) channel.postMessage({ here: id });
    if (typeof data?.here === 'string') asked.get(data.here)?.();
  };
  return (tab) =>
    new Promise((resolve) => {
      const settle = (alive: boolean) => {
        asked.delete(tab);
        forget();
        resolve(alive);
      };
      const forget = env.after(ANSWER_WITHIN, () => settle(false));
      asked.set(tab, () => settle(true));
      channel.postMessage({ call: tab });
    });
}

/** A tab of this page. It holds a lock as long as it lives; where it may not, it answers roll calls. */
export function openTabs(scope: string, env: Env): Tabs {
  const id = env.uuid();
  const name = (tab: string) => `comptoir:${scope}:tab:${tab}`;
  const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
  let rollCall: RollCall | null = null;
  const call = () => (rollCall ??= openRollCall(scope, id, env));
  if (locks) void locks.request(name(id), () => new Promise(() => undefined)).catch(call);
  else call();
  return {
    id,
    async isAlive(tab) {
      if (tab === id) return true;
      try {
        if (locks && !rollCall) return (await locks.query()).held?.some((lock) => lock.name === name(tab)) ?? false;
      } catch {
        // Denied: ask by name.
      }
      return call()(tab);
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
