import { expect, it } from 'vitest';
import { browserEnv } from './env';
import { openRollCall } from './tabs';

it('where locks are denied, a tab that lives answers to its name and nobody answers for one that is gone', async () => {
  const scope = browserEnv.uuid();
  const ask = openRollCall(scope, 'tab1', browserEnv);
  openRollCall(scope, 'tab2', browserEnv);
  openRollCall(browserEnv.uuid(), 'tab3', browserEnv);
  expect(await Promise.all([ask('tab2'), ask('tab3'), ask('tab4')])).toEqual([true, false, false]);
});
