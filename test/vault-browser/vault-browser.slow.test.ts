// The vault in a real Chromium against the contract of all storages. Rules: spec/vault.md.
// needs: chromium
// timeout: 600s
import { vaultContract } from '@sealwire/testkit/vault-contract';
import { browserPlaces } from './browser-place.ts';

const { place, smallPlace, end } = await browserPlaces();

vaultContract('IndexedDB', {
  place,
  smallPlace,
  kills: process.env.SEALWIRE_SLOW === '1' ? 25 : 2,
  // Chromium's LevelDB goes on writing behind a record that a kill tore, and when it next opens that log it throws away all
  // databases of the origin (google/leveldb #1287; spec/vault.md §7). So each place is killed at work once.
  killsPerPlace: 1,
  end,
});
