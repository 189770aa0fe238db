import { error } from '@sveltejs/kit';
import { VIEWS, type View } from '@comptoir/client';
import type { PageLoad } from './$types';

export const load: PageLoad = ({ params, url }) => {
  const view = VIEWS.find((one) => one === params.view);
  if (!view) error(404);
  const seq = Number(url.searchParams.get('seq'));
  return { view: view as View, conversation: params.conversation ?? null, seq: Number.isInteger(seq) && seq > 0 ? seq : null };
};
