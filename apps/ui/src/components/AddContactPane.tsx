// Reads another person's card and asks them.
// Rules: spec/contacts.md.
import type { Device } from '@sealwire/core';
import { replaceRoute } from '../hooks/useRoute.ts';
import { useTask } from '../hooks/useTask.ts';
import { Failure, PaneHeader } from './basics.tsx';
import { CodeReader } from './CodeReader.tsx';

export function AddContactPane({ device }: { readonly device: Device }) {
  const add = useTask(async (card: string) => {
    await device.addContact(card);
    replaceRoute({ page: 'contacts' });
  });
  return (
    <>
      <PaneHeader title="Add somebody" back={{ page: 'contacts' }} />
      <div className="pane-body">
        <section className="link-step" aria-label="Their card">
          <p>Scan the card that they show you: in their Sealwire, under People, “Show my card”.</p>
          {add.error !== undefined && <Failure error={add.error} />}
          {add.busy ? (
            <p className="quiet" role="status">
              Reading the card…
            </p>
          ) : (
            <CodeReader
              onCode={(code) => add.run(code)}
              hint="Under “Show my card”: “Copy my card as text”."
              textFirst={!matchMedia('(pointer: coarse)').matches}
            />
          )}
        </section>
      </div>
    </>
  );
}
