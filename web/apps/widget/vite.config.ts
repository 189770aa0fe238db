import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

/** The frame: a page whose placeholders the server fills in, and assets named after their content. */
export default defineConfig({
  base: '/widget/',
  plugins: [svelte({ compilerOptions: { runes: true, discloseVersion: false } })],
  build: {
    outDir: '../../../src/comptoir/static/widget',
    emptyOutDir: true,
    target: ['es2022', 'safari16'],
    modulePreload: false,
    assetsInlineLimit: 0,
    manifest: 'manifest.json',
    rollupOptions: { input: 'frame.html' },
  },
});
