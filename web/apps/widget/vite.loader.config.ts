import { defineConfig } from 'vite';

/** The loader: one classic script. The server puts the inbox's settings in place of `__COMPTOIR_SETTINGS__`. */
export default defineConfig({
  build: {
    outDir: '../../../src/comptoir/static/widget',
    emptyOutDir: false,
    target: ['es2020', 'safari14'],
    lib: { entry: 'src/loader/loader.ts', formats: ['iife'], name: 'comptoirLoader', fileName: () => 'loader.js' },
  },
});
