import { error, redirect } from '@sveltejs/kit';
import { paths } from '#lib/paths';
import { person } from '#lib/session.svelte';
import type { LayoutLoad } from './$types';

export const load: LayoutLoad = async ({ params, parent, url }) => {
  const { reachable } = await parent();
  if (!reachable) return { membership: null };
  if (!person.session) {
    person.wanted = url.pathname + url.search;
    redirect(307, paths.signIn());
  }
  const membership = person.session.workspaces.find((one) => one.slug === params.workspace);
  if (!membership) error(404);
  return { membership };
};
