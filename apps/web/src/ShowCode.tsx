// The code as a picture for the phone's camera and as text for pasting, with the time it is still good for.
// Rules: spec/link.md.
import { formatCountdown, Icon, useNow } from '@sealwire/ui';
import { encodeQR } from 'qr';
import { useMemo, useRef, useState } from 'react';

/** Modules of white around the code, as ISO/IEC 18004 asks. */
const QUIET_ZONE = 4;

export function ShowCode({ code, expiresAt }: { readonly code: string; readonly expiresAt: number }) {
  const now = useNow(1_000);
  const field = useRef<HTMLTextAreaElement>(null);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    setCopied(await copyText(code, field.current));
  };
  return (
    <div className="show-code">
      <QrCode code={code} />
      <p className="quiet">
        A new code in <span className="countdown">{formatCountdown(expiresAt - now)}</span>
      </p>
      <textarea
        ref={field}
        className="hidden"
        aria-label="Code as text"
        readOnly
        tabIndex={-1}
        value={code}
      />
      <button type="button" className="button" onClick={() => void copy()}>
        <Icon name={copied ? 'check' : 'copy'} /> {copied ? 'Copied' : 'Copy code as text'}
      </button>
    </div>
  );
}

function QrCode({ code }: { readonly code: string }) {
  const { size, path } = useMemo(() => drawCode(code), [code]);
  return (
    <svg
      className="qr"
      role="img"
      aria-label="QR code to link this browser"
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
    >
      <rect className="qr-paper" width={size} height={size} />
      <path className="qr-ink" d={path} />
    </svg>
  );
}

/** @returns the side in modules with the quiet zone, and an SVG path with one run of dark modules after the other. */
function drawCode(code: string): { readonly size: number; readonly path: string } {
  const rows = encodeQR(code, 'raw', { ecc: 'medium', encoding: 'alphanumeric', border: QUIET_ZONE });
  let path = '';
  for (const [y, row] of rows.entries()) {
    let x = 0;
    while (x < row.length) {
      const from = x;
      while (row[x] === true) x += 1;
      if (x > from) path += `M${from} ${y}h${x - from}v1h${from - x}z`;
      else x += 1;
    }
  }
  return { size: rows.length, path };
}

/** Copies by the clipboard, or by the field's selection where the clipboard is not allowed. */
async function copyText(text: string, field: HTMLTextAreaElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field?.select();
    return document.execCommand('copy');
  }
}
