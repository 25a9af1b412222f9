// What only browsers have.
export { browserStorage } from './vault/browser-storage.ts';
