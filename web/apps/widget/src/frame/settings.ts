import type { Face } from '../core/wire';

/** What the server writes into the page's `data-settings`. */
export interface FrameSettings {
  inbox_id: string;
  /** `frame` inside a shop's page, `page` as the hosted page. */
  mode: 'frame' | 'page';
  /** The business's name. */
  name: string;
  greeting: string | null;
  /** One or two sentences for the hosted page. */
  description: string | null;
  colour: string | null;
  /** Set when the owner wants one language for everyone. */
  locale: string | null;
  agents: Face[];
}

const EMPTY: FrameSettings = {
  inbox_id: '',
  mode: 'frame',
  name: '',
  greeting: null,
  description: null,
  colour: null,
  locale: null,
  agents: [],
};

export function readSettings(element: HTMLElement): FrameSettings {
  return { ...EMPTY, ...(JSON.parse(element.dataset.settings ?? '{}') as Partial<FrameSettings>) };
}
