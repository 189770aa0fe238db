// Prints, as JSON, what a browser loads: gzip bytes of the inbox app up to its first list, of the widget's loader and of its frame.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../src/comptoir/static');
const gzip = (file) => gzipSync(readFileSync(file), { level: 9 }).length;

function walk(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
}

const total = (files) => files.reduce((sum, file) => sum + gzip(file), 0);
const scripts = (folder) => (existsSync(folder) ? walk(folder).filter((file) => file.endsWith('.js')) : []);
const styles = (folder) => (existsSync(folder) ? walk(folder).filter((file) => file.endsWith('.css')) : []);
const rows = [];
const row = (name, bytes) => rows.push({ name, figure: bytes, unit: 'B gzip' });

row('inbox: all scripts', total(scripts(join(root, 'inbox'))));
row('inbox: all styles', total(styles(join(root, 'inbox'))));
row('widget: all scripts', total(scripts(join(root, 'widget'))));
row('widget: all styles', total(styles(join(root, 'widget'))));
console.log(JSON.stringify(rows, null, 2));
