// The process that holds a vault in files while a test drives it, and kills it. Its folder is its only argument.
import { serveVault, type VaultCall } from '@sealwire/testkit/vault-remote';
import { randomBytes } from '../src/random.ts';
import { fileStorage } from '../src/vault/file-storage.ts';
import { openVault } from '../src/vault/vault.ts';

const dir = process.argv[2]!;
const answer = serveVault({
  storage: () => fileStorage(dir),
  openVault: (storage) => openVault(storage, { randomBytes }),
  report: (durable) => process.send!({ durable }),
});
process.on('message', async ({ id, call }: { id: number; call: VaultCall }) => {
  process.send!({ id, reply: await answer(call) });
});
process.once('disconnect', () => process.exit());
