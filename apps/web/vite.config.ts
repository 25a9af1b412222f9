// How the web app is built: sources of the workspace, one copy of Yjs and React, a service worker of ours.
// No spec rules here.
import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';
import { shell } from '../ui/build/shell.ts';

export default defineConfig({
  plugins: [react(), shell({ name: 'Sealwire Web', shortName: 'Sealwire' })],
  resolve: {
    conditions: ['sealwire:source', ...defaultClientConditions],
    dedupe: ['yjs', 'react', 'react-dom'],
  },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // One chunk, and one for suite 2 alone; the service worker keeps both, so nothing is missing without a network.
    chunkSizeWarningLimit: 1_000,
  },
});
