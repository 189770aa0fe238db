import { resolve } from '$app/paths';
import type { Id, View } from '@comptoir/client';

/** Every address of the app, in one place. */
export const paths = {
  home: () => resolve('/'),
  signIn: () => resolve('/sign-in'),
  list: (workspace: string, view: View) => resolve('/[workspace]/inbox/[view]/[[conversation]]', { workspace, view }),
  conversation: (workspace: string, view: View, conversation: Id, seq?: number) =>
    resolve('/[workspace]/inbox/[view]/[[conversation]]', { workspace, view, conversation }) + (seq ? `?seq=${seq}` : ''),
  inboxes: (workspace: string) => resolve('/[workspace]/settings/inboxes/[[inbox]]', { workspace }),
  inbox: (workspace: string, inbox: Id | 'new') => resolve('/[workspace]/settings/inboxes/[[inbox]]', { workspace, inbox }),
};
