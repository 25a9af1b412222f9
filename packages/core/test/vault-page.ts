// The page that holds a vault in IndexedDB while a test drives it.
import { serveVault, type VaultCall, type VaultReply } from '@sealwire/testkit/vault-remote';
import { randomBytes } from '../src/random.ts';
import { browserStorage } from '../src/vault/browser-storage.ts';
import { openVault } from '../src/vault/vault.ts';

declare global {
  interface Window {
    vaultCall(call: VaultCall): Promise<VaultReply>;
    /** Put there by the test. */
    reportDurable(step: number): void;
  }
}

window.vaultCall = serveVault({
  storage: (options) => browserStorage('test', options),
  openVault: (storage) => openVault(storage, { randomBytes }),
  report: (step) => window.reportDurable(step),
});
