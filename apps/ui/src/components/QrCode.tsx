// A QR code as a picture that cameras read in every theme: dark on light, with its quiet zone.
// No spec rules here.
import { encodeQR } from 'qr';
import { useMemo } from 'react';

/** Modules of white around the code, as ISO/IEC 18004 asks. */
const QUIET_ZONE = 4;

/** @param text - of QR's alphanumeric characters alone. @param label - what the picture is, for who cannot see it. */
export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const { size, path } = useMemo(() => drawCode(text), [text]);
  return (
    <svg
      className="qr"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
    >
      <rect className="qr-paper" width={size} height={size} />
      <path className="qr-ink" d={path} />
    </svg>
  );
}

/** @returns the side in modules with the quiet zone, and an SVG path with one run of dark modules after the other. */
function drawCode(text: string): { readonly size: number; readonly path: string } {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', encoding: 'alphanumeric', border: QUIET_ZONE });
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
