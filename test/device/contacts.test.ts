// timeout: 180s
// Two people with several devices each meet by card: asking, consent, refusal, alerts, over a real relay. Rules:
// spec/contacts.md.
import type { Device } from '@sealwire/core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bench, onBench, settled, setUp, until } from './support.ts';

const test = suite('contacts between devices');

const codeOf = async (run: () => Promise<unknown>): Promise<string> =>
  run().then(
    () => 'none',
    (error: { code?: string }) => error.code ?? String(error),
  );

const online = (device: Device) => until(device.status, ({ connection }) => connection === 'online');

/** Resolves when the device reports this code. */
const told = (device: Device, code: string): Promise<void> =>
  new Promise((resolve) => {
    device.onEvidence((evidence) => evidence.code === code && resolve());
  });

const people = async (
  bench: Bench,
): Promise<{ ada: Device; adaWeb: Device; bea: Device; beaWeb: Device }> => {
  const ada = await bench.create('ada');
  const adaWeb = await bench.link(ada, 'ada-web');
  const bea = await bench.create('bea', { name: 'Bea' });
  const beaWeb = await bench.link(bea, 'bea-web');
  await Promise.all([ada, adaWeb, bea, beaWeb].map(online));
  return { ada, adaWeb, bea, beaWeb };
};

test(
  '[CT3, CT22] a card scanned, a yes on another device: both people know each other on all their devices',
  onBench(async (bench) => {
    const { ada, adaWeb, bea, beaWeb } = await people(bench);
    const card = await ada.createCard();
    assert.is(await adaWeb.createCard().then((text) => text.length > 0), true);
    assert.is(await codeOf(() => adaWeb.addContact(card)), 'CARD_INVALID');
    assert.is(await codeOf(() => bea.addContact(card.slice(0, -1))), 'CARD_INVALID');

    await bea.addContact(card);
    await until(bea.contacts, ([contact]) => contact?.state === 'asked' && contact.name === 'Ada');
    const [request] = await until(adaWeb.requests, (requests) => requests.length === 1);
    assert.is(request?.name, 'Bea');
    assert.is(request?.kind, 'contact');
    assert.is(request?.accountId, bea.accountId);
    assert.equal(ada.contacts.get(), []);
    await adaWeb.acceptRequest(request!.id);

    for (const device of [ada, adaWeb]) {
      const [contact] = await until(device.contacts, ([first]) => first?.devices === 2);
      assert.equal([contact?.name, contact?.accountId, contact?.state], ['Bea', bea.accountId, 'known']);
      await until(device.requests, (requests) => requests.length === 0);
    }
    for (const device of [bea, beaWeb]) {
      const [contact] = await until(device.contacts, ([first]) => first?.devices === 2);
      assert.equal([contact?.name, contact?.accountId, contact?.state], ['Ada', ada.accountId, 'known']);
    }
    const numbers = [ada, adaWeb].map((device) => device.safetyNumber(bea.accountId).digits);
    numbers.push(...[bea, beaWeb].map((device) => device.safetyNumber(ada.accountId).digits));
    assert.is(new Set(numbers).size, 1, 'one number for all devices of both');
    const shown = beaWeb.safetyNumber(ada.accountId).qr;
    assert.is(ada.compareSafety(bea.accountId, shown), 'match');
    assert.is(bea.compareSafety(ada.accountId, shown), 'other account');
    await bea.markVerified(ada.accountId, true);
    await until(beaWeb.contacts, ([contact]) => contact?.verified === true);
    await Promise.all([ada, adaWeb, bea, beaWeb].map(settled));
  }),
);

test(
  '[CT22] asked while offline and then killed: the question leaves when the device is back',
  onBench(async (bench) => {
    const { ada, bea } = await people(bench);
    const card = await ada.createCard();
    bea.setNetwork(false);
    await bea.addContact(card);
    await until(bea.status, ({ pending }) => pending > 0);
    await bench.close(bea);
    const again = await bench.open('bea', {});
    const [request] = await until(ada.requests, (requests) => requests.length === 1);
    await ada.declineRequest(request!.id);
    await until(ada.requests, (requests) => requests.length === 0);
    await settled(again);
    assert.is(again.contacts.get()[0]?.state, 'asked', 'nobody is told of a no');
    await ada.acceptRequest(request!.id);
    await until(again.contacts, ([contact]) => contact?.state === 'known');
  }),
);

test(
  '[CT27] cards that were taken back let nobody ask any more; contacts and those who have asked stay, the next card is new',
  onBench(async (bench) => {
    const { ada, adaWeb, bea } = await people(bench);
    const cleo = await bench.create('cleo', { name: 'Cleo' });
    const dora = await bench.create('dora', { name: 'Dora' });
    await Promise.all([cleo, dora].map(online));
    const card = await ada.createCard();
    await bea.addContact(card);
    const [request] = await until(ada.requests, (requests) => requests.length === 1);
    // Cleo's question reaches the relay while nobody of Ada's is there: the card is taken back before it is read.
    for (const device of [ada, adaWeb]) device.setNetwork(false);
    await cleo.addContact(card);
    await settled(cleo);
    await ada.withdrawCards();
    const isRefused = told(ada, 'INBOX_MESSAGE_REFUSED');
    ada.setNetwork(true);
    await isRefused;
    await settled(ada);
    adaWeb.setNetwork(true);
    await settled(adaWeb);
    const next = await adaWeb.createCard();
    assert.is.not(next, card);
    assert.is.not(await ada.createCard(), card);

    const isReturned = told(dora, 'INBOX_REFUSED');
    await dora.addContact(card);
    await isReturned;
    assert.equal(
      ada.requests.get().map(({ name }) => name),
      ['Bea'],
    );
    await ada.acceptRequest(request!.id);
    await until(bea.contacts, ([contact]) => contact?.state === 'known');
    await cleo.addContact(next);
    await until(adaWeb.requests, (requests) => requests.some(({ name }) => name === 'Cleo'));
  }),
);

test('a relay that was restarted keeps what waits; a device of another relay is told so', async () => {
  const bench = await setUp();
  const elsewhere = await setUp();
  try {
    const ada = await bench.create('ada');
    const bea = await bench.create('bea', { name: 'Bea' });
    const eve = await elsewhere.create('eve', { name: 'Eve' });
    await Promise.all([ada, bea, eve].map(online));
    const card = await ada.createCard();
    assert.is(await codeOf(() => eve.addContact(card)), 'CARD_OTHER_RELAY');
    await settled(ada);
    await bench.close(ada);
    await bea.addContact(card);
    await settled(bea);
    await bench.restart();
    const back = await bench.open('ada', {});
    const [request] = await until(back.requests, (requests) => requests.length === 1);
    await back.acceptRequest(request!.id);
    await until(bea.contacts, ([contact]) => contact?.state === 'known');
  } finally {
    await Promise.all([bench.end(), elsewhere.end()]);
  }
});

test(
  '[CT23] own devices are told of a device that another one linked, until one of them takes note',
  onBench(async (bench) => {
    const { ada, adaWeb } = await people(bench);
    assert.equal(adaWeb.alerts.get(), []);
    const tablet = await bench.link(ada, 'tablet');
    const [alert] = await until(adaWeb.alerts, (alerts) => alerts[0]?.name === 'tablet');
    assert.equal([alert?.kind, alert?.deviceId], ['device-linked', tablet.id]);
    await settled(adaWeb);
    assert.equal(ada.alerts.get(), [], 'the phone knows what it did');
    await adaWeb.dismissAlert(alert!.id);
    await until(adaWeb.alerts, (alerts) => alerts.length === 0);
    await until(tablet.alerts, (alerts) => alerts.length === 0);
  }),
);

test.run();
