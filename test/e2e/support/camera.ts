// A camera for Chromium: a video file that shows nothing at first, then a picture of what is on another screen.
// Chromium reads the file when the page asks for the camera.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';

const WIDTH = 640;
const HEIGHT = 480;
const GREY = 128;

export interface Camera {
  /** Command line switches for the browser that has this camera. */
  readonly args: readonly string[];
  /** Points the camera at something on a page: its screenshot becomes what the camera sees from its next start on. */
  pointAt(target: Locator): Promise<void>;
}

/** @param folder - where the video is kept; the caller removes it. */
export async function makeCamera(folder: string): Promise<Camera> {
  const path = join(folder, 'camera.y4m');
  await writeFile(path, video(new Uint8Array(WIDTH * HEIGHT).fill(GREY)));
  return {
    args: [
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${path}`,
    ],
    async pointAt(target) {
      const picture = await target.screenshot({ type: 'png' });
      await writeFile(path, video(await brightness(target.page(), picture)));
    },
  };
}

/** One frame of a YUV4MPEG2 video, repeated by the browser. @param luma - one byte a pixel. */
function video(luma: Uint8Array): Buffer {
  const head = `YUV4MPEG2 W${WIDTH} H${HEIGHT} F20:1 Ip A1:1 C420jpeg\nFRAME\n`;
  const colour = Buffer.alloc((WIDTH * HEIGHT) / 2, GREY);
  return Buffer.concat([Buffer.from(head), luma, colour]);
}

/** Draws the picture in the middle of a grey frame, as a camera in front of a screen would see it. */
async function brightness(page: Page, png: Buffer): Promise<Uint8Array> {
  const base64 = await page.evaluate(
    async ({ png, width, height }) => {
      const bytes = Uint8Array.from(atob(png), (char) => char.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(width, height).getContext('2d')!;
      canvas.fillStyle = '#808080';
      canvas.fillRect(0, 0, width, height);
      const scale = Math.min((width * 0.9) / image.width, (height * 0.9) / image.height);
      const w = image.width * scale;
      const h = image.height * scale;
      canvas.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
      const { data } = canvas.getImageData(0, 0, width, height);
      let luma = '';
      for (let i = 0; i < data.length; i += 4) {
        luma += String.fromCharCode(Math.round(0.3 * data[i]! + 0.59 * data[i + 1]! + 0.11 * data[i + 2]!));
      }
      return btoa(luma);
    },
    { png: png.toString('base64'), width: WIDTH, height: HEIGHT },
  );
  return Buffer.from(base64, 'base64');
}
