// Runs the vectors of cards and inbox messages. Rules: spec/contacts.md; each vector names its own.
import { toHex } from '@sealwire/protocol';
import { parseCard } from '../src/contacts/card.ts';
import { openMessage, verifyContent } from '../src/contacts/messages.ts';
import { hpkeKeyPair } from '../src/crypto/hpke.ts';
import { runVectors, type VectorInput } from './vectors-kit.ts';

const card = (input: VectorInput) => {
  const { relay, name, ...bytes } = parseCard(input.text('text'));
  const hex = Object.entries(bytes).map(([field, value]) => [field, toHex(value)]);
  return { ...Object.fromEntries(hex), relay, name };
};

const message = async (input: VectorInput) => {
  const content = await openMessage(input.bytes('sealed'), input.list('seeds').map(hpkeKeyPair));
  return { content: content ? toHex(content) : null };
};

const content = async (input: VectorInput) => {
  const verified = await verifyContent(input.bytes('content'), input.bytes('recipient'), input.number('now'));
  const { type, id, author, from } = verified.content;
  return {
    type,
    id: toHex(id),
    root: toHex(verified.log.root),
    device: toHex(author),
    name: from.name,
  };
};

runVectors('contacts', { card, message, content }, 50);
