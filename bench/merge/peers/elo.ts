// Loro's %ELO: its own adaptor for end-to-end encrypted documents (AES-GCM by WebCrypto, no signatures). The adaptor's
// socket is replaced by a list; everything else is the package's.
import { randomBytes } from 'node:crypto';
import { LIMITS } from '@sealwire/protocol';
import { DEVICES } from '../conversation.ts';
import { playScript } from '../script.ts';
import { MESSAGES, readLoro } from './loro.ts';
import { bytesOf, inDeliveries, type MergePeer, versionOf } from './peer.ts';

type LoroDoc = import('loro-crdt').LoroDoc;

export const elo: MergePeer = {
  id: 'elo',
  name: 'Loro %ELO (loro-adaptors)',
  version: versionOf('loro-adaptors'),
  async make({ steps }) {
    const { EloAdaptor } = await import('loro-adaptors/loro');
    const { LoroDoc } = await import('loro-crdt');
    const key = await crypto.subtle.importKey('raw', randomBytes(32), 'AES-GCM', false, [
      'encrypt',
      'decrypt',
    ]);

    const attach = (doc: LoroDoc, onSend: (containers: Uint8Array[]) => void) => {
      let failed = (_error: Error): void => undefined;
      const adaptor = new EloAdaptor(doc, {
        getPrivateKey: async () => ({ keyId: 'bench', key }),
        onDecryptError: (error) => failed(error),
      });
      adaptor.setCtx({
        send: onSend,
        onJoinFailed: (reason) => failed(new Error(reason)),
        onImportError: (error) => failed(error),
      });
      return {
        /** It tells nobody when it is done: asked for each turn, which costs it nothing. */
        async take(containers: readonly Uint8Array[], wanted: number): Promise<void> {
          const refused = new Promise<never>((_, reject) => {
            failed = reject;
          });
          adaptor.applyUpdate([...containers]);
          const held = (async () => {
            while (doc.getList(MESSAGES).length < wanted) await new Promise(setImmediate);
          })();
          await Promise.race([held, refused]);
        },
        end: () => adaptor.destroy(),
      };
    };

    const docs = Array.from({ length: DEVICES }, () => new LoroDoc());
    const containers = await playScript<Sealed>(steps, (index) => {
      const doc = docs[index]!;
      doc.setPeerId(BigInt(index + 1));
      let sent = (_container: Uint8Array): void => undefined;
      attach(doc, ([container]) => sent(container!));
      return {
        // Plain updates here: only who catches up is timed.
        take: (updates) => void doc.importBatch(updates.map(({ plain }) => plain)),
        write: (json) => {
          let plain = new Uint8Array();
          const forget = doc.subscribeLocalUpdates((update) => {
            forget();
            plain = new Uint8Array(update);
          });
          return new Promise((resolve) => {
            sent = (sealed) => resolve({ plain, sealed });
            doc.getList(MESSAGES).push(json);
            doc.commit();
          });
        },
      };
    });
    const sealed = containers.map((each) => each.sealed);
    const pieces = inDeliveries(sealed, LIMITS.readBytes);
    const catchUp = async () => {
      const doc = new LoroDoc();
      const adaptor = attach(doc, () => undefined);
      let wanted = 0;
      for (const piece of pieces) {
        wanted += piece.length;
        await adaptor.take(piece, wanted);
      }
      adaptor.end();
      return readLoro(doc);
    };
    return [{ what: 'one container a message', from: 'updates', bytes: bytesOf(sealed), catchUp }];
  },
};

interface Sealed {
  readonly plain: Uint8Array;
  readonly sealed: Uint8Array;
}
