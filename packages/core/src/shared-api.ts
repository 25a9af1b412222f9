// The public shapes of shared documents. No code here; they are opened with `device.openSharedDoc`. Rules:
// spec/shared-document.md.
import type { Awareness } from 'y-protocols/awareness';
import type { Doc } from 'yjs';
import type { Readable } from './api.ts';
import type { ChatStatus } from './chat-api.ts';

export interface SharedDocStatus {
  /** As {@link ChatStatus.state}, of the chat that the document belongs to. */
  readonly state: ChatStatus['state'];
  /** Own edits of the chat, this document's among them, that are not durable at the relay yet. */
  readonly pending: number;
}

/**
 * A document that the members of a chat edit together: any Y.Doc, for any binding. Who wrote what in it is signed, but all
 * of them may delete and overwrite anything. Close it when it leaves the screen.
 */
export interface SharedDoc {
  readonly chatId: string;
  readonly name: string;
  /** Bind editors to this; edit it as you like, offline too. Another one after `onReplaced`. */
  readonly doc: Doc;
  /** Who else is here, and where. Another one after `onReplaced`. */
  readonly awareness: Awareness;
  readonly status: Readable<SharedDocStatus>;
  /**
   * Told when `doc` and `awareness` are others than before: something in the document turned out not to count. Bind anew.
   * @returns the function that ends the subscription.
   */
  onReplaced(listener: () => void): () => void;
  /** Resolves when all edits so far are durable on this device. Rejects with STORAGE_FULL and the like. */
  stored(): Promise<void>;
  close(): void;
}
