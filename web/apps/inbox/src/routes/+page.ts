import { redirect } from '@sveltejs/kit';
import { paths } from '#lib/paths';
import { person } from '#lib/session.svelte';
import { storage } from '#lib/storage';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
  const { reachable } = await parent();
  if (!reachable) return;
  const workspaces = person.session?.workspaces ?? [];
  const last = workspaces.find((one) => one.slug === storage.get('comptoir.workspace')) ?? workspaces[0];
  redirect(307, last ? paths.list(last.slug, 'open') : paths.signIn());
};
