// Our frames of one stream, sealed and opened by core: with the back end that Node has, or with that of browsers.
import { randomBytes } from 'node:crypto';
import { importVariant } from '../lib/variants.ts';

const TESTING = import.meta.resolve('@sealwire/core/testing');

export type Envelope = Pick<
  typeof import('@sealwire/core/testing'),
  'openFrame' | 'openFrames' | 'sealFrame' | 'streamKey'
>;

export type StreamKey = ReturnType<Envelope['streamKey']>;

export const loadNative = (): Promise<Envelope> => import('@sealwire/core/testing');

/** The same code over the reference back end, @noble/ciphers, which is the one of browsers. */
export const loadPortable = async (): Promise<Envelope> =>
  (await importVariant(
    {
      name: 'portable',
      scope: [new URL('.', TESTING).href],
      replacements: [
        {
          module: '/crypto/native.node.ts',
          names: ['openManyXChaCha', 'openXChaCha', 'sealXChaCha'],
          by: new URL('crypto/xchacha.web.ts', TESTING).href,
        },
      ],
    },
    TESTING,
  )) as Envelope;

export const makeKey = ({ streamKey }: Envelope): StreamKey =>
  streamKey(randomBytes(32), randomBytes(32), 'page-0', randomBytes(32));
