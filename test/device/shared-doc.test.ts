// timeout: 300s
// Shared documents of real devices over a real relay: edited apart and together, by people who come and go. Rules:
// spec/shared-document.md.
import type { Device, SharedDoc } from '@sealwire/core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { members, opened, shows, three, watch } from './people.ts';
import { onBench, settled, until } from './support.ts';

const test = suite('shared documents of devices');

const PATIENCE_MS = 60_000;

/** Resolves when something in or about the document is so; looks whenever it changes. */
const becomes = (shared: SharedDoc, what: string, isSo: () => boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    let watched: { doc: SharedDoc['doc']; awareness: SharedDoc['awareness'] } | undefined;
    const listen = (): void => {
      watched?.doc.off('update', look);
      watched?.awareness.off('change', look);
      watched = { doc: shared.doc, awareness: shared.awareness };
      watched.doc.on('update', look);
      watched.awareness.on('change', look);
      look();
    };
    const end = (): void => {
      clearTimeout(timer);
      stop();
      watched?.doc.off('update', look);
      watched?.awareness.off('change', look);
    };
    const timer = setTimeout(() => {
      end();
      reject(new Error(`waited in vain: ${what}; the text is ${textOf(shared)}`));
    }, PATIENCE_MS);
    const look = (): void => {
      if (!isSo()) return;
      end();
      resolve();
    };
    const stop = shared.onReplaced(listen);
    listen();
  });

const textOf = ({ doc }: SharedDoc): string => doc.getText('t').toString();

const reads = (shared: SharedDoc, text: string): Promise<void> =>
  becomes(shared, `"${text}"`, () => textOf(shared) === text);

const write = (shared: SharedDoc, at: number, text: string): Promise<void> => {
  shared.doc.getText('t').insert(at, text);
  return shared.stored();
};

const sees = (shared: SharedDoc, name: string, isThere = true): Promise<void> =>
  becomes(
    shared,
    `${name} ${isThere ? 'is' : 'is not'} there`,
    () => [...shared.awareness.getStates().values()].some(({ user }) => user === name) === isThere,
  );

test(
  '[SD1, SD12, SD14] two devices edit apart, with a restart in between, and agree',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const web = await bench.link(phone, 'web');
    const id = await phone.createChat('Plans');
    await opened(web, id);
    const evidence = [phone, web].map(watch);
    const onPhone = await phone.openSharedDoc(id, 'notes');
    const onWeb = await web.openSharedDoc(id, 'notes');
    await write(onPhone, 0, 'shared ');
    await reads(onWeb, 'shared ');
    for (const device of [phone, web]) device.setNetwork(false);
    await write(onPhone, 7, 'by the phone ');
    await write(onWeb, 0, 'text, ');
    onWeb.doc.getText('t').delete(6, 2);
    await onWeb.stored();
    onWeb.close();
    await bench.close(web);
    const again = await bench.open('web');
    evidence.push(watch(again));
    const onAgain = await again.openSharedDoc(id, 'notes');
    assert.is(textOf(onAgain), 'text, ared ');
    phone.setNetwork(true);
    await Promise.all([onPhone, onAgain].map((shared) => reads(shared, 'text, ared by the phone ')));
    const other = await phone.openSharedDoc(id, 'another');
    assert.is(textOf(other), '');
    await settled(phone);
    assert.is(onPhone.status.get().pending, 0);
    assert.equal(evidence, [[], [], []]);
    for (const one of [onPhone, onAgain, other]) one.close();
  }),
);

test(
  '[SD20, SD24] people see each other in a document, at once, and no more when they have gone',
  onBench(async (bench) => {
    const { ada, bea } = await three(bench);
    const id = await ada.createChat('Summer', [bea.accountId]);
    await opened(bea, id);
    const evidence = [ada, bea].map(watch);
    const onAda = await ada.openSharedDoc(id, 'notes');
    onAda.awareness.setLocalState({ user: 'Ada' });
    const onBea = await bea.openSharedDoc(id, 'notes');
    onBea.awareness.setLocalState({ user: 'Bea' });
    // The first words in the chat make the key that both have.
    await write(onAda, 0, 'text');
    await reads(onBea, 'text');
    await Promise.all([sees(onAda, 'Bea'), sees(onBea, 'Ada')]);
    const late = await ada.openSharedDoc(id, 'notes');
    assert.is(late.awareness, onAda.awareness);
    late.close();
    onBea.close();
    await sees(onAda, 'Bea', false);
    assert.equal(evidence, [[], []]);
    onAda.close();
  }),
);

test(
  '[SD3] who joins without history misses old documents and nothing else; with it they read all',
  onBench(async (bench) => {
    const { ada, bea, cleo } = await three(bench);
    const id = await ada.createChat('Summer', [bea.accountId]);
    const onBea = await opened(bea, id);
    const onAda = await opened(ada, id);
    await members(onBea, 2);
    const old = await ada.openSharedDoc(id, 'old');
    const oldOnBea = await bea.openSharedDoc(id, 'old');
    await write(old, 0, 'from before');
    await reads(oldOnBea, 'from before');
    const evidence = [ada, bea, cleo].map(watch);
    await onAda.addMember(cleo.accountId);
    await onAda.send('welcome');
    const onCleo = await opened(cleo, id);
    await shows(onCleo, 'welcome');
    await members(onBea, 3);
    await write(old, 11, ', and on');
    await reads(oldOnBea, 'from before, and on');
    await write(oldOnBea, 0, 'text ');
    await reads(old, 'text from before, and on');
    const fresh = await ada.openSharedDoc(id, 'new');
    await write(fresh, 0, 'whole');
    const onCleoNew = await cleo.openSharedDoc(id, 'new');
    await reads(onCleoNew, 'whole');
    await write(onCleoNew, 5, ' with Cleo');
    await reads(fresh, 'whole with Cleo');
    await onBea.send('and a message');
    await shows(onCleo, 'and a message');
    await settled(cleo);
    const onCleoOld = await cleo.openSharedDoc(id, 'old');
    assert.is(textOf(onCleoOld), '');
    assert.equal(evidence, [[], [], []]);
    for (const one of [old, oldOnBea, fresh, onCleoNew, onCleoOld]) one.close();

    const second = await ada.createChat('Winter', [bea.accountId]);
    const inWinter = await ada.openSharedDoc(second, 'old');
    await write(inWinter, 0, 'from before');
    const winter = await opened(ada, second);
    await members(winter, 2);
    await winter.addMember(cleo.accountId, { shareHistory: true });
    await opened(cleo, second);
    const given = await cleo.openSharedDoc(second, 'old');
    await reads(given, 'from before');
    await write(given, 11, ', read by Cleo');
    await reads(inWinter, 'from before, read by Cleo');
    assert.equal(evidence, [[], [], []]);
    for (const one of [inWinter, given]) one.close();
  }),
);

test(
  '[SD19, SD22] a device that was logged out writes and shows nothing more',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const [web, lost] = [await bench.link(phone, 'web'), await bench.link(phone, 'lost')] as [Device, Device];
    const id = await phone.createChat('Plans');
    await Promise.all([web, lost].map((device) => opened(device, id)));
    const [onPhone, onWeb, onLost] = await Promise.all(
      [phone, web, lost].map((device) => device.openSharedDoc(id, 'notes')),
    );
    await write(onLost!, 0, 'first. ');
    await Promise.all([onPhone!, onWeb!].map((shared) => reads(shared, 'first. ')));
    await settled(lost);
    lost.setNetwork(false);
    await write(onLost!, 7, 'UNSENT');
    await phone.logOutDevice(lost.id);
    await write(onPhone!, 7, 'second. ');
    await reads(onWeb!, 'first. second. ');
    lost.setNetwork(true);
    await until(lost.status, ({ problem }) => problem?.code === 'LOGGED_OUT');
    await becomes(onLost!, 'nothing is kept', () => textOf(onLost!) === '');
    await settled(phone);
    assert.is(textOf(onWeb!), 'first. second. ');
    await lost.openSharedDoc(id, 'notes').then(
      () => assert.unreachable('opened'),
      (error: { code?: string }) => assert.is(error.code, 'LOGGED_OUT'),
    );
    for (const one of [onPhone, onWeb, onLost]) one!.close();
  }),
);

test(
  'a name is checked, an unknown chat too',
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const id = await phone.createChat('Plans');
    for (const name of ['', 'x'.repeat(101)])
      await phone.openSharedDoc(id, name).then(
        () => assert.unreachable('opened'),
        (error: unknown) => assert.instance(error, RangeError),
      );
    await phone.openSharedDoc('00', 'notes').then(
      () => assert.unreachable('opened'),
      (error: { code?: string }) => assert.is(error.code, 'CHAT_UNKNOWN'),
    );
  }),
);

test.run();
