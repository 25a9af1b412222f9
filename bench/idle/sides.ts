// What both sides of the idle suite are.

/** What one return took. Bytes with the headers of WebSocket frames, without those of TCP, TLS and HTTP. */
export interface Return {
  readonly sent: number;
  readonly received: number;
  /** How often the client had to hear something before it could go on or was done. */
  readonly roundTrips: number;
  readonly connections: number;
}

export interface Side {
  /** @throws ResultsDiffer if anything is there afterwards that was not there before, or the other way round. */
  readonly comeBack: () => Promise<Return>;
  readonly end: () => Promise<void>;
}
