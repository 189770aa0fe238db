import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig, type Plugin } from 'vite';

const out = '../../../src/comptoir/static/inbox';
/** While developing, everything but the app itself comes from a running program. */
const server = process.env.COMPTOIR_DEV_SERVER ?? 'http://127.0.0.1:8000';

/** SvelteKit's announcer carries an inline style, which `style-src 'self'` refuses; app.css hides it instead. */
const announcerWithoutStyle: Plugin = {
  name: 'announcer-without-style',
  enforce: 'pre',
  transform(code, id) {
    if (!/kit[\\/]src[\\/]runtime[\\/]components[\\/]root\.svelte$/.test(id)) return null;
    const bare = code.replace(/(id="svelte-announcer"[^>]*?)\sstyle="[^"]*"/, '$1');
    if (bare === code) throw new Error('the announcer has changed; is its style still inline?');
    return bare;
  },
};

export default defineConfig({
  plugins: [
    announcerWithoutStyle,
    sveltekit({
      adapter: adapter({ pages: out, assets: out, fallback: 'index.html' }),
      paths: { base: '/app' },
    }),
  ],
  build: { target: 'es2022' },
  server: { proxy: { '/api': { target: server, ws: true, changeOrigin: true }, '/media': server } },
});
