// SvelteKit starts its pages from an inline script, which `script-src 'self'` refuses. This moves it into a file of its own,
// named after its content, and leaves a plain <script src> in its place.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, base] = process.argv.slice(2);
if (!folder || !base) throw new Error('usage: external-bootstrap.mjs FOLDER BASE_PATH');

const page = join(folder, 'index.html');
const html = readFileSync(page, 'utf8');
const inline = /<script>([\s\S]*?)<\/script>/g;
const moved = html.replace(inline, (_, code) => {
  const name = `start.${createHash('sha256').update(code).digest('hex').slice(0, 12)}.js`;
  writeFileSync(join(folder, '_app', 'immutable', name), code.trim() + '\n');
  return `<script src="${base}/_app/immutable/${name}"></script>`;
});
if (moved === html) throw new Error(`${page}: no inline script found; has SvelteKit changed its start?`);
if (/<script(?![^>]*\bsrc=)[^>]*>|\sstyle="|<style/.test(moved)) throw new Error(`${page}: something inline is left`);
writeFileSync(page, moved);
