// Values that a store may give at once or later, without a turn of the event loop for those that are there.
// Rules: none; what it is for: spec/relay-protocol.md §7.

/** A value, or the promise of one. */
export type Awaitable<T> = T | Promise<T>;

export const isLater = <T>(value: Awaitable<T>): value is Promise<T> => value instanceof Promise;

/** Goes on with a value: in the same tick if it is there, else when it comes. */
export const whenRead = <T, R>(value: Awaitable<T>, use: (value: T) => Awaitable<R>): Awaitable<R> =>
  isLater(value) ? value.then(use) : use(value);

/** All values, at once if none of them is late. */
export const allRead = <T>(values: readonly Awaitable<T>[]): Awaitable<T[]> =>
  values.some(isLater) ? Promise.all(values) : (values as T[]);
