// A page with an editor in it: CodeMirror with y-codemirror.next, unmodified, on a shared document. A test drives it.
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { createAccount, type Device, linkDevice, type SharedDoc, when } from '@sealwire/core';
import { browserStorage } from '@sealwire/core/browser';
import { yCollab } from 'y-codemirror.next';

export interface EditorPage {
  /** Makes an account with a chat. @returns the chat's id. */
  create(relay: string): Promise<string>;
  /** Begins to link this browser. @returns the code to show. */
  beginLink(relay: string): Promise<string>;
  /** The phone's side: takes the code, gives the digits, and confirms when they were typed. */
  scan(code: string): Promise<string>;
  confirm(): Promise<void>;
  /** The new device's side: digits typed; resolves when it has the chat. */
  finishLink(digits: string): Promise<void>;
  openEditor(chatId: string, person: string): Promise<void>;
  setNetwork(on: boolean): void;
  text(): string;
  /** Everything that was refused or noticed. */
  evidence(): readonly string[];
  /** All edits are durable at the relay. */
  settled(): Promise<void>;
}

declare global {
  interface Window {
    editorPage: EditorPage;
  }
}

let device: Device;
let shared: SharedDoc;
let view: EditorView | undefined;
let linking: ReturnType<typeof linkDevice>;
let session: ReturnType<Device['link']>;
const seen: string[] = [];

const take = (opened: Device): void => {
  device = opened;
  device.onEvidence(({ code, message }) => seen.push(`${code}: ${message}`));
};

const show = (): void => {
  view?.destroy();
  const text = shared.doc.getText('t');
  view = new EditorView({
    state: EditorState.create({
      doc: text.toString(),
      extensions: [yCollab(text, shared.awareness), EditorView.lineWrapping],
    }),
    parent: document.body,
  });
  view.focus();
};

window.editorPage = {
  async create(relay) {
    const storage = browserStorage('phone');
    take(
      await createAccount({ storage, relay, name: 'Ada', deviceName: 'first browser', platform: 'phone' }),
    );
    await when(device.status, ({ connection }) => connection === 'online');
    return device.createChat('Plans');
  },
  async beginLink(relay) {
    const storage = browserStorage('web');
    linking = linkDevice({ storage, relay, deviceName: 'second browser', platform: 'web' });
    const state = await when(linking.state, ({ step }) => step === 'code');
    return state.step === 'code' ? state.code : '';
  },
  async scan(code) {
    session = device.link(code);
    const state = await when(session.state, ({ step }) => step === 'digits');
    return state.step === 'digits' ? state.digits : '';
  },
  async confirm() {
    await when(session.state, ({ step }) => step === 'confirm');
    session.confirm('second browser');
  },
  async finishLink(digits) {
    await when(linking.state, ({ step }) => step === 'type-digits');
    linking.submitDigits(digits);
    take(await linking.device);
    await when(device.chats, (chats) => chats.length === 1);
  },
  async openEditor(chatId, person) {
    shared = await device.openSharedDoc(chatId, 'plan');
    shared.awareness.setLocalStateField('user', { name: person, color: '#d33', colorLight: '#d333' });
    shared.onReplaced(show);
    show();
  },
  setNetwork: (on) => device.setNetwork(on),
  text: () => view!.state.doc.toString(),
  evidence: () => seen,
  async settled() {
    await shared.stored();
    await when(device.status, ({ pending, connection }) => pending === 0 && connection === 'online');
  },
};
