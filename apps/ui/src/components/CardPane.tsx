// This account's card, for another person's camera or as text: whoever has it may ask to write.
// Rules: spec/contacts.md.
import type { Device } from '@sealwire/core';
import { useEffect, useState } from 'react';
import { useReadable } from '../hooks/useReadable.ts';
import { Failure, PaneHeader } from './basics.tsx';
import { CopyText } from './CopyText.tsx';
import { QrCode } from './QrCode.tsx';
import { Question } from './Question.tsx';

type Made = { readonly card: string } | { readonly error: unknown } | undefined;

export function CardPane({ device }: { readonly device: Device }) {
  const [made, setMade] = useState<Made>(undefined);
  // A card names the relay, so it waits for the first connection; a page that was opened before tries again.
  const isOnline = useReadable(device.status).connection === 'online';
  const hasCard = made !== undefined && 'card' in made;
  useEffect(() => {
    if (hasCard) return;
    let left = false;
    device.createCard().then(
      (card) => !left && setMade({ card }),
      (error: unknown) => !left && setMade({ error }),
    );
    return () => {
      left = true;
    };
  }, [device, isOnline, hasCard]);
  const takeBack = async () => {
    await device.withdrawCards();
    // Without a card on show, the next one is made.
    setMade(undefined);
  };
  return (
    <>
      <PaneHeader title="My card" back={{ page: 'contacts' }} />
      <div className="pane-body">
        {made === undefined && (
          <p className="quiet" role="status">
            Making your card…
          </p>
        )}
        {made !== undefined && 'error' in made && <Failure error={made.error} />}
        {made !== undefined && 'card' in made && (
          <div className="show-code">
            <QrCode text={made.card} label="QR code of my card" />
            <CopyText text={made.card} label="Card as text">
              Copy my card as text
            </CopyText>
          </div>
        )}
        <p className="quiet">
          Let somebody scan this in their Sealwire, under People. Whoever has it can ask to write with you;
          you say yes or no. It holds no secret of yours.
        </p>
        {hasCard && (
          <Question ask="Take my card back" yes="Take it back" no="Keep it" onYes={takeBack}>
            <p>
              Nobody can ask by this card any more, wherever a copy of it is. Your contacts stay. You get a
              new card.
            </p>
          </Question>
        )}
      </div>
    </>
  );
}
