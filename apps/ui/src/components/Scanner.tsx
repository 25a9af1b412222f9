// The camera inside the app: looks at frames until one holds a QR code. Frames never leave the page.
// Rules: spec/link.md.

import decodeQR from 'qr/decode.js';
import { useEffect, useRef, useState } from 'react';
import { Icon } from './Icon.tsx';

/** Pixels of the longer side of a frame that is looked at: enough for our codes, quick on old phones. */
const FRAME_PX = 800;
/** Milliseconds between two looks. */
const LOOK_MS = 120;

type Camera = 'starting' | 'looking' | 'refused' | 'missing';

const WORDS: Record<Camera, string> = {
  starting: 'Starting the camera…',
  looking: 'Looking for a code',
  refused:
    'The camera is not allowed for this page. Allow it in the browser’s settings, or paste the code as text.',
  missing: 'No camera can be used here. Paste the code as text instead.',
};

export function Scanner({ onCode }: { readonly onCode: (code: string) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [camera, setCamera] = useState<Camera>('starting');
  const found = useRef(onCode);
  useEffect(() => {
    found.current = onCode;
  });
  useEffect(() => {
    const player = video.current;
    if (player === null) return;
    const end = new AbortController();
    watch(player, setCamera, (code) => found.current(code), end.signal).catch((error: unknown) => {
      if (end.signal.aborted) return;
      setCamera(error instanceof DOMException && error.name === 'NotAllowedError' ? 'refused' : 'missing');
    });
    return () => end.abort();
  }, []);
  const broken = camera === 'refused' || camera === 'missing';
  return (
    <div className={broken ? 'scanner scanner-broken' : 'scanner'}>
      <video ref={video} muted playsInline aria-label="Camera picture" hidden={broken} />
      {broken ? <Icon name="camera" /> : <span className="scanner-frame" aria-hidden="true" />}
      <p role="status" className="scanner-words">
        {WORDS[camera]}
      </p>
    </div>
  );
}

/** Shows the camera and looks at it until a code is found or `signal` aborts; then lets the camera go. */
async function watch(
  player: HTMLVideoElement,
  report: (camera: Camera) => void,
  found: (code: string) => void,
  signal: AbortSignal,
): Promise<void> {
  // Absent outside secure contexts, whatever the types say.
  if (!('mediaDevices' in navigator)) return report('missing');
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 720 } },
  });
  const stop = (): void => {
    for (const track of stream.getTracks()) track.stop();
  };
  if (signal.aborted) return stop();
  signal.addEventListener('abort', stop);
  player.srcObject = stream;
  await player.play();
  report('looking');
  const frame = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (frame === null) return report('missing');
  while (!signal.aborted) {
    const code = look(player, frame);
    if (code !== undefined) {
      stop();
      return found(code);
    }
    await pause(LOOK_MS);
  }
}

function look(player: HTMLVideoElement, frame: CanvasRenderingContext2D): string | undefined {
  if (player.videoWidth === 0) return undefined;
  const scale = Math.min(1, FRAME_PX / Math.max(player.videoWidth, player.videoHeight));
  const width = Math.round(player.videoWidth * scale);
  const height = Math.round(player.videoHeight * scale);
  frame.canvas.width = width;
  frame.canvas.height = height;
  frame.drawImage(player, 0, 0, width, height);
  try {
    return decodeQR(frame.getImageData(0, 0, width, height));
  } catch {
    // The decoder throws for every frame without a code; the next frame may have one.
    return undefined;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
