// Which stream a shared document is: follows from the chat and the document's name. Rules: spec/shared-document.md §1.
import { toHex } from '@sealwire/protocol';
import { sha256 } from '#native';
import { utf8 } from '../bytes.ts';

const PREFIX = 'doc-';
const HASH_BYTES = 14;
const DOCUMENT = /^doc-[0-9a-f]{28}$/;

/**
 * The stream of a shared document. The relay sees it, so it tells nothing of the name to who does not know the chat.
 *
 * @param logId - chat id, 32 bytes.
 */
export const documentStream = (logId: Uint8Array, name: string): string => {
  const hash = sha256(utf8('sealwire/v1/shared-document'), logId, utf8(name));
  return PREFIX + toHex(hash.subarray(0, HASH_BYTES));
};

/** True for the stream of a shared document. */
export const isDocumentStream = (stream: string): boolean =>
  stream.startsWith(PREFIX) && DOCUMENT.test(stream);
