// The vault in files, in processes that are killed, against the contract of all storages. Rules: spec/vault.md.
// timeout: 180s
import { vaultContract } from '@sealwire/testkit/vault-contract';
import { bundleChild, canMount, folderPlace, smallDiskPlace } from './vault-processes.ts';

const child = await bundleChild();

const kills = process.env.SEALWIRE_SLOW === '1' ? 50 : 4;

vaultContract('files', {
  place: () => folderPlace(child.path),
  smallPlace: canMount() ? () => smallDiskPlace(child.path) : undefined,
  whyNotSmall: 'needs root on Linux, to mount a disk of 2 MB',
  kills,
  killsPerPlace: kills,
  end: child.remove,
});
