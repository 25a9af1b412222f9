// The vault in a real Chromium against the contract of all storages. Rules: spec/vault.md.
// needs: chromium
// timeout: 240s
import { vaultContract } from '@sealwire/testkit/vault-contract';
import { browserPlaces } from './browser-place.ts';

const { place, smallPlace, end } = await browserPlaces();

vaultContract('IndexedDB', {
  place,
  smallPlace,
  kills: process.env.SEALWIRE_SLOW === '1' ? 25 : 5,
  end,
});
