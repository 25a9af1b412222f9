// Texts as they fit entries: what a person may send, and imported messages in pieces. Rules: spec/log-document.md §2.
import { LIMITS } from '@sealwire/protocol';
import { utf8 } from './bytes.ts';
import type { ImportedMessage } from './chat-api.ts';

/** @throws TypeError, RangeError */
export const requireText = (text: string): void => {
  if (typeof text !== 'string') throw new TypeError('text is not a string');
  if (text.length === 0 || !fitsEntry(text))
    throw new RangeError(`text must have 1 to ${LIMITS.textChars} characters, and fit an entry as JSON`);
};

/** Room in an entry for all but its text: stamp, names of fields, an origin. */
const ENTRY_REST_BYTES = 2048;

/** Control characters take six bytes each as JSON: characters alone do not tell whether a text fits. */
const fitsEntry = (text: string): boolean =>
  text.length <= LIMITS.textChars &&
  utf8(JSON.stringify(text)).length <= LIMITS.entryBytes - ENTRY_REST_BYTES;

/** A text that is longer than an entry may be becomes several entries, so that nothing of it is lost. */
export const toPieces =
  (source: string) =>
  ({ name, sentAt, text }: ImportedMessage) => {
    const origin = { n: name.slice(0, LIMITS.nameChars), s: Math.floor(sentAt), a: source };
    const pieces = [];
    for (let at = 0; at === 0 || at < text.length; ) {
      let end = Math.min(at + LIMITS.textChars, text.length);
      while (!fitsEntry(text.slice(at, end))) end = at + Math.floor((end - at) / 2);
      // A pair of surrogates is one character: it is not cut in two.
      if (end < text.length && end - at > 1 && /[\uD800-\uDBFF]/.test(text[end - 1]!)) end -= 1;
      pieces.push({ text: text.slice(at, end), origin, first: at === 0 });
      if (end === text.length) break;
      at = end;
    }
    return pieces;
  };
