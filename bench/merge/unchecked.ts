// Stands in for the signatures and the hash chain of frames where their cost is measured. Nothing but a benchmark may
// load it: see variants.ts.

export const verifyEd25519 = (): boolean => true;

/** A chain whose hash never moves. */
export const chainNext = (before: Uint8Array): Uint8Array => before;

/** What nobody verifies need not be put together. */
export const chainStatement = (): Uint8Array => NOTHING;

const NOTHING = new Uint8Array(0);
