// One tab a vault: a Web Lock, which ends with its tab and may be taken over. Rules: spec/vault.md §5.

export interface BrowserLock {
  /** True once another tab has taken the lock over. */
  isStolen(): boolean;
  /** Calls `listener` when that happens; at once if it has. */
  onStolen(listener: () => void): void;
  release(): void;
}

/** Takes the lock of that name, or gives undefined if another tab has it and `steal` is false. */
export const lockName = (name: string, steal: boolean): Promise<BrowserLock | undefined> =>
  new Promise((resolve, reject) => {
    let granted = false;
    let stolen = false;
    let listener = (): void => undefined;
    const hold = (release: () => void): BrowserLock => ({
      isStolen: () => stolen,
      onStolen(tell) {
        listener = tell;
        if (stolen) tell();
      },
      release,
    });
    navigator.locks
      .request(name, steal ? { steal } : { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(undefined);
        granted = true;
        return new Promise<void>((release) => resolve(hold(release)));
      })
      .catch((error: unknown) => {
        if (!granted) return reject(error);
        stolen = true; // The only way a lock that was granted ends with an error.
        listener();
      });
  });
