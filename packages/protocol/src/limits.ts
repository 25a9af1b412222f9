// Every limit of Sealwire, one constant each. Number, unit, reason and enforcer: spec/limits.md.

const KiB = 1024;
const MiB = 1024 * KiB;

export const LIMITS = {
  /** Bytes of one WebSocket message, either way. */
  messageBytes: 1 * MiB,
  /** Bytes of one sealed frame. */
  frameBytes: 512 * KiB,
  /** Bytes of the Yjs updates of one batch, before deflating. */
  batchBytes: 384 * KiB,
  /** Bytes that a deflated payload may become. */
  inflatedBytes: 2 * MiB,
  /** Bytes of one entry. */
  entryBytes: 64 * KiB,
  /** Characters of one message's text. */
  textChars: 16_000,
  /** ASCII characters of a stream label. */
  streamChars: 32,
  /** Rooms in one resume message. */
  resumeRooms: 20_000,
  /** Device relay keys of one principal. */
  principalKeys: 64,
  /** Bytes of the note that an edit of a principal leaves for a relay key that it takes out. */
  farewellBytes: 4 * KiB,
  /** Member principals of one room. */
  roomMembers: 1_024,
  /** Full pages of a chat that stay open though nobody looks at them. */
  openPages: 2,
  /** A chat with positions beyond this is read from its newest pages on by who has nothing of it. */
  aheadFrames: 128,
  /** Bytes of frames of one chat that are read so. */
  aheadBytes: 4 * MiB,
  /** Other rooms of one chat that one contact may name to an account. */
  chatRooms: 4,
  /** Bytes of frames in one answer to a read, or in one delivery. */
  readBytes: 256 * KiB,
  /** Bytes of a signal's payload. */
  signalBytes: 16 * KiB,
  /** Tokens that one principal's inbox accepts. */
  inboxTokens: 64,
  /** Messages that wait in one principal's inbox. */
  inboxMessages: 64,
  /** Messages of one token that wait in one inbox. */
  inboxTokenMessages: 32,
  /** Bytes of one message in an inbox. */
  inboxPayloadBytes: 16 * KiB,
  /** Bytes of all that passes through one rendezvous cell. */
  rendezvousBytes: 64 * KiB,
  /** Milliseconds that a linking code is valid: nobody joined yet. */
  rendezvousOpenMs: 60_000,
  /** Milliseconds from opening a rendezvous cell to its end, whatever happens in it. */
  rendezvousTotalMs: 180_000,
  /** Rendezvous cells one connection may hold open. */
  rendezvousPerConnection: 2,
  /** Rendezvous cells open at one relay. */
  rendezvousCells: 10_000,
  /** Milliseconds from connecting to a valid authentication. */
  authenticateMs: 10_000,
  /** Bytes a connection may send before it is authenticated. */
  unauthenticatedBytes: 4 * KiB,
  /** Bytes waiting in one socket before the relay stops reading its backlog. */
  socketPauseBytes: 1 * MiB,
  /** Bytes waiting in one socket before the relay drops it as too slow. */
  socketDropBytes: 16 * MiB,
  /** Appends of one connection that may wait for the disk. */
  appendsInFlight: 256,
  /** Bytes of appends of all connections that may wait for the disk before the relay stops reading from those who append. */
  appendBytesWaiting: 64 * MiB,
  /** Milliseconds between the relay's signs of life from a connection before it counts as dead. */
  pingMs: 30_000,
  /** Milliseconds that a peer has to finish the closing handshake. */
  closeMs: 2_000,
  /** Milliseconds that a stopping relay waits for appends on their way to the disk. */
  drainMs: 3_500,
  /** Milliseconds that a device is asked to stay away, at the least, after an end that a pause may mend. */
  comeBackMs: 1_000,
  /** Devices a second that a stopping relay spreads over the pause that it asks for. */
  reconnectsPerSecond: 1_000,
  /** Milliseconds for which a connection that follows no room may say nothing. */
  idleMs: 5 * 60_000,
  /** Connections at one relay. */
  connections: 20_000,
  /** Messages that one connection may leave in inboxes at once. */
  inboxSends: 128,
  /** Milliseconds after which it may leave one more. */
  inboxSendMs: 1_000,
  /** Messages that one inbox takes at once. */
  inboxTakes: 64,
  /** Milliseconds after which it takes one more. */
  inboxTakeMs: 5_000,
  /** Messages with one token that one inbox takes at once. */
  inboxTokenTakes: 16,
  /** Milliseconds after which it takes one more of the token. */
  inboxTokenTakeMs: 30_000,
  /** Connections of one address. */
  connectionsPerAddress: 2_000,
  /** Connections of one address that have not authenticated yet. */
  strangersPerAddress: 500,
  /** New connections of one address at once. */
  connectsAtOnce: 1_000,
  /** New connections of one address a second, after that. */
  connectsPerSecond: 100,
  /** Principals that one address may make at once. */
  principalsAtOnce: 1_000,
  /** Milliseconds after which it may make one more. */
  principalMs: 10_000,
  /** Rendezvous cells open from one address. */
  rendezvousPerAddress: 256,
  /** Messages that one connection may send at once. */
  messagesAtOnce: 20_000,
  /** Messages that it may send a second, after that. */
  messagesPerSecond: 20_000,
  /** Bytes that one connection may send at once. */
  bytesAtOnce: 64 * MiB,
  /** Bytes that it may send a second, after that. */
  bytesPerSecond: 32 * MiB,
  /** Rooms that one address may make at once. */
  roomsAtOnce: 5_000,
  /** Milliseconds after which it may make one more. */
  roomMs: 1_000,
  /** Appends to one room, of all connections, at once. */
  roomAppendsAtOnce: 40_000,
  /** Appends to one room a second, after that. */
  roomAppendsPerSecond: 20_000,
  /** Bytes appended to one room, of all connections, at once. */
  roomBytesAtOnce: 128 * MiB,
  /** Bytes appended to one room a second, after that. */
  roomBytesPerSecond: 32 * MiB,
  /** Rooms that one principal may make. */
  roomsPerPrincipal: 20_000,
  /** Bytes of frames that one principal may store. */
  bytesPerPrincipal: 4_096 * MiB,
  /** Streams of one room. */
  streamsPerRoom: 65_536,
  /** Bytes of one room, of all its members. */
  bytesPerRoom: 8_192 * MiB,
  /** Of a room's bytes, how many of a hundred are taken when its members are warned. */
  roomWarnPercent: 90,
  /** Bytes of one blob. */
  blobBytes: 2_048 * MiB,
  /** Blobs that one principal may have begun. */
  blobParts: 16,
  /** Milliseconds after which a begun blob that nothing came for is dropped. */
  blobPartMs: 24 * 60 * 60_000,
  /** Milliseconds by which the clock of who asks for a blob may differ from the relay's. */
  blobClockMs: 5 * 60_000,
  /** Blob requests at a time. */
  blobTransfers: 256,
  /** Blob requests of one address at once. */
  blobRequestsAtOnce: 1_000,
  /** Blob requests of one address a second, after that. */
  blobRequestsPerSecond: 100,
  /** Entries of a log document page before it is closed. */
  pageEntries: 512,
  /** Bytes of a log document page before it is closed. */
  pageBytes: 256 * KiB,
  /** Bytes of one update of a shared document, inflated. */
  documentBytes: 128 * KiB,
  /** How deep values in a shared document may be nested. */
  documentDepth: 64,
  /** Characters of a shared document's name. */
  documentNameChars: 100,
  /** Milliseconds that presence in a shared document counts, by its signer's clock and by the reader's. */
  presenceMs: 60_000,
  /** Bytes of one device's presence in one shared document. */
  presenceBytes: 4 * KiB,
  /** Devices whose presence is shown in one shared document. */
  presenceDevices: 256,
  /** Milliseconds between two signals of a device's presence. */
  presencePauseMs: 50,
  /** Frames of one author that may wait in one room for what comes before them. */
  parkedFrames: 1_024,
  /** Bytes of frames of one author that may wait in one room. */
  parkedBytes: 4 * MiB,
  /** Deleted ranges of one author that may wait in one room for what they delete. */
  waitingDeletions: 4_096,
  /** Frames of one chain that its device did not sign as far as is known, and that are kept to be judged again. */
  unsignedKept: 64,
  /** Signatures that are checked in one search for the frames that a cut names, where a chain has several lines. */
  lineChecks: 4_096,
  /** Log entries that may wait in one room for what they are judged by. */
  earlyEntries: 256,
  /** Frames that make up one snapshot at the most. */
  snapshotParts: 8,
  /** Milliseconds for which a candidate of somebody else is not replaced. */
  snapshotReplaceMs: 60 * 60_000,
  /** Milliseconds after which the principal of a single device counts as agreeing to what it put. */
  snapshotAloneMs: 30 * 24 * 60 * 60_000,
  /** Milliseconds after which a principal that has not signed in holds up nobody. */
  snapshotSilentMs: 90 * 24 * 60 * 60_000,
  /** Milliseconds between agreement and the going of frames. */
  snapshotGraceMs: 7 * 24 * 60 * 60_000,
  /** Milliseconds between two looks at a candidate. */
  snapshotLookMs: 24 * 60 * 60_000,
  /** Milliseconds after which the maker of an epoch makes another. */
  epochMs: 7 * 24 * 60 * 60_000,
  /** Frames of a room after which the maker of its epoch makes another. */
  epochFrames: 10_000,
  /** Members that a chat is made with in one step. */
  firstMembers: 128,
  /** Milliseconds after its newest entry at which a companion renews itself. */
  renewMs: 7 * 24 * 60 * 60_000,
  /** Milliseconds after its newest entry at which a companion that has not renewed itself is logged out. */
  renewalLapseMs: 35 * 24 * 60 * 60_000,
  /** Changes of `seen` in one frame. */
  seenChanges: 16,
  /** Log heads named in one frame. */
  headsNamed: 16,
  /** Milliseconds an entry's stamp may be ahead of the reader before it no longer moves the reader's clock. */
  clockAheadMs: 5 * 60_000,
  /** Characters of a device or chat name. */
  nameChars: 100,
} as const;
