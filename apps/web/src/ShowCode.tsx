// The code as a picture for the phone's camera and as text for pasting, with the time it is still good for.
// Rules: spec/link.md.
import { CopyText, formatCountdown, QrCode, useNow } from '@sealwire/ui';

export function ShowCode({ code, expiresAt }: { readonly code: string; readonly expiresAt: number }) {
  const now = useNow(1_000);
  return (
    <div className="show-code">
      <QrCode text={code} label="QR code to link this browser" />
      <p className="quiet">
        A new code in <span className="countdown">{formatCountdown(expiresAt - now)}</span>
      </p>
      <CopyText text={code} label="Code as text">
        Copy code as text
      </CopyText>
    </div>
  );
}
