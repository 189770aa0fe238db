import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';

const out = '../../../src/comptoir/static/inbox';
/** While developing, everything but the app itself comes from a running program. */
const server = process.env.COMPTOIR_DEV_SERVER ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter({ pages: out, assets: out, fallback: 'index.html' }),
      paths: { base: '/app' },
    }),
  ],
  build: { target: 'es2022' },
  server: { proxy: { '/api': { target: server, ws: true, changeOrigin: true }, '/media': server } },
});
