// What only Node has.
export { fileStorage } from './vault/file-storage.ts';
