import { getContext, setContext } from 'svelte';
import type { Workspace } from './workspace.svelte';

const KEY = Symbol('workspace');

export const provideWorkspace = (read: () => Workspace): unknown => setContext(KEY, read);

/** The workspace on the screen. Call it while a component is being made; it stays the same for that component's life. */
export const useWorkspace = (): Workspace => getContext<() => Workspace>(KEY)();
