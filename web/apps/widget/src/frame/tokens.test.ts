import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

/** Every `--name: value` of the light half and of the dark half. */
function halves(css: string): Record<string, string>[] {
  const cut = css.indexOf('@media');
  const end = css.indexOf(":root[data-theme='dark']");
  return [css.slice(0, cut), css.slice(cut, end < 0 ? undefined : end)].map((half) =>
    Object.fromEntries([...half.matchAll(/--([\w-]+):\s*([^;]+);/gu)].map((match) => [match[1], match[2]])),
  );
}

it('uses the same materials as the rest of the house', () => {
  const [own, house] = [halves(read('./tokens.css')), halves(read('../../../../packages/ui/src/tokens.css'))];
  for (const half of [0, 1]) {
    expect(Object.keys(own[half] ?? {}).length).toBeGreaterThan(8);
    expect(house[half]).toMatchObject(own[half] ?? {});
  }
});
