// The one cryptographic source of randomness, handed on as a parameter everywhere else.

/** @returns `length` bytes from the platform's cryptographic generator. */
export const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
