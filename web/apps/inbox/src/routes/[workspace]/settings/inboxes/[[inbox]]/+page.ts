import type { PageLoad } from './$types';

export const load: PageLoad = ({ params }) => ({ inbox: params.inbox ?? null });
