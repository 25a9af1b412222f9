// Brings a WhatsApp "Export chat" file along: choose, look at what was understood, name the chat, import.
// No spec rules here; the parser is @sealwire/core/import-whatsapp.
import type { Device } from '@sealwire/core';
import { type DateOrder, parseWhatsAppExport } from '@sealwire/core/import-whatsapp';
import { type ChangeEvent, useRef, useState } from 'react';
import { routeTo } from '../hooks/useRoute.ts';
import { useTask } from '../hooks/useTask.ts';
import { plural } from '../lib/format.ts';
import { Failure, PaneHeader, Progress } from './basics.tsx';
import { Icon } from './Icon.tsx';
import { ImportPreview, type Parsed } from './ImportPreview.tsx';

const SOURCE = 'WhatsApp';

type Step =
  | { readonly kind: 'choose' }
  | { readonly kind: 'preview'; readonly file: string; readonly bytes: Uint8Array; readonly parsed: Parsed }
  | { readonly kind: 'importing'; readonly done: number; readonly total: number }
  | { readonly kind: 'done'; readonly chatId: string; readonly title: string; readonly count: number };

/** Where an import goes: an existing chat, or a new one of this title. */
export type ImportTarget = { readonly chatId: string; readonly title: string } | { readonly title: string };

export function ImportPane({ device }: { readonly device: Device }) {
  const [step, setStep] = useState<Step>({ kind: 'choose' });
  const read = useTask(async (file: File) => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    setStep({ kind: 'preview', file: file.name, bytes, parsed: parseWhatsAppExport(bytes) });
  });
  const reorder = useTask(async (dateOrder: DateOrder) => {
    if (step.kind === 'preview') {
      setStep({ ...step, parsed: parseWhatsAppExport(step.bytes, { dateOrder }) });
    }
  });
  const run = useTask(async (target: ImportTarget) => {
    if (step.kind !== 'preview') return;
    const { messages } = step.parsed;
    setStep({ kind: 'importing', done: 0, total: messages.length });
    try {
      const chatId = 'chatId' in target ? target.chatId : await device.createChat(target.title);
      const count = await importInto(device, chatId, messages, (done, total) =>
        setStep({ kind: 'importing', done, total }),
      );
      setStep({ kind: 'done', chatId, title: target.title, count });
    } catch (error) {
      setStep(step);
      throw error;
    }
  });
  return (
    <>
      <PaneHeader title="Import from WhatsApp" back={{ page: 'settings' }} />
      <div className="pane-body">
        {step.kind === 'choose' && <ChooseFile busy={read.busy} error={read.error} onFile={read.run} />}
        {step.kind === 'preview' && (
          <ImportPreview
            device={device}
            file={step.file}
            parsed={step.parsed}
            error={run.error ?? reorder.error}
            onOrder={reorder.run}
            onImport={run.run}
            onBack={() => setStep({ kind: 'choose' })}
          />
        )}
        {step.kind === 'importing' && (
          <Progress
            label={`Importing: ${plural(step.done, 'message')} of ${step.total} stored`}
            done={step.done}
            total={step.total}
          />
        )}
        {step.kind === 'done' && (
          <div className="note note-good" role="status">
            <Icon name="check" />
            <div>
              <p className="note-title">{plural(step.count, 'message')} imported</p>
              <p>
                They are in “{step.title}”, marked as imported from {SOURCE}.
              </p>
              <div className="actions">
                <a className="button button-primary" href={routeTo({ page: 'chat', chatId: step.chatId })}>
                  Open the chat
                </a>
              </div>
            </div>
          </div>
        )}
      </div>
    </>
  );
}

function ChooseFile(props: {
  readonly busy: boolean;
  readonly error: unknown;
  readonly onFile: (file: File) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const choose = (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    if (file !== undefined) props.onFile(file);
    event.target.value = '';
  };
  return (
    <>
      <ol className="steps">
        <li>In WhatsApp, open the chat, then its menu, More, Export chat.</li>
        <li>Choose “Without media” and save the file.</li>
        <li>Choose that .txt or .zip file here. It is read on this device and goes nowhere else unsealed.</li>
      </ol>
      {props.error !== undefined && <Failure error={props.error} />}
      <div className="actions">
        <input
          ref={input}
          id="import-file"
          className="hidden"
          type="file"
          accept=".txt,.zip,text/plain,application/zip"
          tabIndex={-1}
          aria-label="Exported chat"
          onChange={choose}
        />
        <button
          type="button"
          className="button button-primary"
          disabled={props.busy}
          onClick={() => input.current?.click()}
        >
          <Icon name="file" /> Choose a file
        </button>
      </div>
    </>
  );
}

async function importInto(
  device: Device,
  chatId: string,
  messages: Parsed['messages'],
  onProgress: (done: number, total: number) => void,
): Promise<number> {
  const chat = await device.openChat(chatId);
  try {
    return await chat.import(messages, SOURCE, onProgress);
  } finally {
    chat.close();
  }
}
