// The steps of linking that the phone's person sees: six digits, the question, the good end.
// Rules: spec/link.md.
import type { Device, Platform } from '@sealwire/core';
import { LIMITS } from '@sealwire/protocol';
import { go, Icon, useReadable } from '@sealwire/ui';
import { type FormEvent, useEffect, useRef, useState } from 'react';

export function ShowDigits({ digits, onCancel }: { readonly digits: string; readonly onCancel: () => void }) {
  return (
    <section className="link-step" aria-labelledby="digits-title">
      <h2 id="digits-title">Type these digits on the other device</h2>
      <p
        className="digits"
        role="status"
        aria-label={`Six digits: ${[...digits].join(' ')}`}
        data-digits={digits}
      >
        {[...digits].map((digit, i) => (
          <span key={i} aria-hidden="true">
            {digit}
          </span>
        ))}
      </p>
      <p className="quiet">
        Only type them on a device that is in front of you. Nobody from Sealwire ever asks you for them.
      </p>
      <div className="actions">
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </section>
  );
}

const KINDS: Record<Platform, string> = {
  phone: 'a phone',
  web: 'a web browser',
  desktop: 'a desktop app',
  headless: 'a program',
};

export function ConfirmDevice(props: {
  readonly deviceName: string;
  readonly platform: Platform;
  readonly onConfirm: (deviceName: string) => void;
  readonly onRefuse: () => void;
}) {
  const [name, setName] = useState(props.deviceName);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== '') props.onConfirm(name.trim());
  };
  return (
    <form className="link-step form" onSubmit={submit}>
      <h2 ref={heading} tabIndex={-1}>
        Link “{props.deviceName}”?
      </h2>
      <p>
        The digits match. This is {KINDS[props.platform]}; it will hold all your chats and can write in your
        name, also while this phone is off.
      </p>
      <label className="field">
        <span>Name of the new device</span>
        <input
          value={name}
          maxLength={LIMITS.nameChars}
          autoComplete="off"
          required
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <div className="actions">
        <button type="submit" className="button button-primary" disabled={name.trim() === ''}>
          Link this device
        </button>
        <button type="button" className="button" onClick={props.onRefuse}>
          Do not link
        </button>
      </div>
    </form>
  );
}

export function LinkDone({ device, deviceId }: { readonly device: Device; readonly deviceId: string }) {
  const devices = useReadable(device.devices);
  const name = devices.find((one) => one.id === deviceId)?.name ?? 'The new device';
  return (
    <div className="note note-good" role="status">
      <Icon name="check" />
      <div>
        <p className="note-title">{name} is linked</p>
        <p>It loads your chats now. You may switch this phone off; it needs it no more.</p>
        <div className="actions">
          <button type="button" className="button button-primary" onClick={() => go({ page: 'devices' })}>
            Done
          </button>
        </div>
      </div>
    </div>
  );
}
