// One tab a vault: a Web Lock, which ends with its tab and may be taken over. Rules: spec/vault.md §5.

export interface BrowserLock {
  release(): void;
}

/**
 * Takes the lock, or gives undefined if another tab has it and `steal` is false.
 *
 * @param stolen - called when another tab takes the lock over.
 */
export const lockName = (
  name: string,
  steal: boolean,
  stolen: () => void,
): Promise<BrowserLock | undefined> =>
  new Promise((resolve, reject) => {
    let granted = false;
    navigator.locks
      .request(name, steal ? { steal } : { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(undefined);
        granted = true;
        return new Promise<void>((release) => resolve({ release }));
      })
      .catch((error: unknown) => {
        if (granted) stolen();
        else reject(error);
      });
  });
