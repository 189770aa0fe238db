// Prints, as JSON, what a browser loads: gzip bytes of the inbox app up to its first list, of the widget's loader and of its frame.
// The inbox's figure is what index.html preloads, and the chunks that its list page imports statically on top of that.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const built = resolve(here, '../../src/comptoir/static');
const gzip = (file) => gzipSync(readFileSync(file), { level: 9 }).length;
const total = (files) => [...files].reduce((sum, file) => sum + gzip(file), 0);

function walk(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
}

/** Every script and style that the inbox needs before it can draw the list, in one language. */
function firstList() {
  const output = resolve(here, '../apps/inbox/.svelte-kit/output/client');
  const manifest = JSON.parse(readFileSync(join(output, '.vite/manifest.json'), 'utf8'));
  const scripts = new Set();
  const styles = new Set();
  const visit = (key) => {
    const chunk = manifest[key];
    if (!chunk || scripts.has(chunk.file)) return;
    scripts.add(chunk.file);
    for (const style of chunk.css ?? []) styles.add(style);
    for (const next of chunk.imports ?? []) visit(next);
  };
  const page = readFileSync(join(built, 'inbox/index.html'), 'utf8');
  // Of SvelteKit's wrappers: the root's and the workspace's layout, and the page that holds the list.
  const isListNode = (chunk) => /nodes\/[02]\./.test(chunk.file) || readFileSync(join(output, chunk.file), 'utf8').includes('conversation-list');
  const preloaded = [...page.matchAll(/href="\/app\/([^"]+\.js)"/g)].map((found) => found[1]);
  for (const [key, chunk] of Object.entries(manifest)) {
    if (preloaded.includes(chunk.file) || key.endsWith('i18n/en.json') || (/\.js$/.test(chunk.file) && isListNode(chunk))) visit(key);
  }
  const start = [...page.matchAll(/src="\/app\/([^"]+\.js)"/g)].map((found) => join(built, 'inbox', found[1]));
  const from = (name) => join(output, name);
  return { scripts: [...[...scripts].map(from), ...start], styles: [...styles].map(from) };
}

const rows = [];
const row = (name, bytes) => rows.push({ name, figure: bytes, unit: 'B gzip' });
const { scripts, styles } = firstList();
row('inbox: scripts to the first list', total(scripts));
row('inbox: styles to the first list', total(styles));
const widget = walk(join(built, 'widget'));
for (const file of widget.filter((one) => /loader[^/]*\.js$|widget\.js$/.test(one))) row(`widget: ${file.slice(built.length + 8)}`, gzip(file));
row('widget: all scripts', total(widget.filter((file) => file.endsWith('.js'))));
row('widget: all styles', total(widget.filter((file) => file.endsWith('.css'))));
console.log(JSON.stringify(rows, null, 2));
