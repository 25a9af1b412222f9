// Where this app's relay is: asked from the app's own origin, remembered for starts without a network.
// No spec rules here.
import { SealwireError } from '@sealwire/protocol';

const KEY = 'sealwire.relay';
const ANSWER_MS = 4_000;

/**
 * @returns the relay's WebSocket address from `/relay.json`, or the last one known.
 * @throws SealwireError RELAY_UNREACHABLE when there is neither.
 */
export async function findRelay(): Promise<string> {
  const fresh = await askOrigin();
  if (fresh !== undefined) {
    localStorage.setItem(KEY, fresh);
    return fresh;
  }
  const known = localStorage.getItem(KEY);
  if (known !== null) return known;
  throw new SealwireError(
    'RELAY_UNREACHABLE',
    'The server of this app does not answer. Check your connection, then try again.',
  );
}

async function askOrigin(): Promise<string | undefined> {
  try {
    const answer = await fetch('/relay.json', { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS) });
    if (!answer.ok) return undefined;
    const { relay } = (await answer.json()) as { relay?: unknown };
    return typeof relay === 'string' && /^wss?:\/\//.test(relay) ? relay : undefined;
  } catch {
    // No network or no server: the remembered address serves.
    return undefined;
  }
}
