import { defineConfig } from 'vite';

/** Every byte is loaded on every page of a shop: the style sheet's line ends are for its readers alone. */
const shortStyles = {
  name: 'short-styles',
  transform: (code: string, id: string) => (id.endsWith('/look.ts') ? code.replace(/(?<=[`}])\n(?=[.@[a-z])/g, '') : null),
};

/** The loader: one classic script. The server puts the inbox's settings in place of `__COMPTOIR_SETTINGS__`. */
export default defineConfig({
  plugins: [shortStyles],
  build: {
    outDir: '../../../src/comptoir/static/widget',
    emptyOutDir: false,
    target: ['es2020', 'safari14'],
    lib: { entry: 'src/loader/loader.ts', formats: ['iife'], name: 'comptoirLoader', fileName: () => 'loader.js' },
  },
});
