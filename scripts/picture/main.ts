// `pnpm picture`: makes the README's picture anew, from the real apps over a real relay. Needs Chromium and a build.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as person from '../../test/e2e/support/people.ts';
import { startRelay } from '../../test/e2e/support/relay.ts';
import { openWorld, PHONE } from '../../test/e2e/support/world.ts';

const TARGET = fileURLToPath(new URL('../../docs/side-by-side.png', import.meta.url));
const WEB = { viewport: { width: 1000, height: 760 } };
const PHONE_SMALL = { ...PHONE, viewport: { width: 390, height: 760 } };
const STAGE = { viewport: { width: 1500, height: 860 } };
const TITLE = 'Harbour garden';

const [relay, world] = await Promise.all([startRelay(), openWorld()]);
try {
  const phone = await world.newPage(PHONE_SMALL);
  const web = await world.newPage(WEB);
  await person.createAccount(phone, relay.phoneUrl, 'Ada');
  await person.createChat(phone, 'Books to read');
  await person.write(phone, 'The Peregrine', 'A Field Guide to Getting Lost');
  await person.createChat(phone, TITLE);
  await web.goto(relay.webUrl);
  await person.pasteCode(phone, await person.codeOn(web));
  await person.finishLinking(phone, web, 'Study computer');
  await person.openChat(phone, TITLE);
  await person.openChat(web, TITLE);
  await person.write(
    phone,
    'Bulbs are in the shed, second shelf',
    'Key is with the harbour office until six',
  );
  await person.write(web, 'Ordered two more ladders', 'Writing this on the train, no network at all');
  await person.write(phone, 'And it arrived the moment you came out of the tunnel');
  await Promise.all([person.settled(phone), person.settled(web)]);
  const shots = await Promise.all(
    [phone, web].map(async (page) => (await page.screenshot()).toString('base64')),
  );
  const stage = await world.newPage(STAGE);
  await stage.setContent(
    `<style>body{margin:0;height:860px;display:flex;gap:40px;align-items:center;justify-content:center;background:#e9e6ee}
     img{height:760px;border-radius:18px;box-shadow:0 12px 40px #2a1a3a33}</style>
     ${shots.map((shot) => `<img src="data:image/png;base64,${shot}">`).join('')}`,
  );
  await mkdir(dirname(TARGET), { recursive: true });
  await stage.screenshot({ path: TARGET });
  process.stdout.write(`${TARGET}\n`);
} finally {
  await world.close();
  await relay.close();
}
