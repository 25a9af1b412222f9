// The first start of the phone: a name, a name for the device, and the account is made on this device.
// No spec rules here.
import { LIMITS } from '@sealwire/protocol';
import { Centre, Failure, Mark, proposePhoneName, type Session, useTask } from '@sealwire/ui';
import { type FormEvent, useState } from 'react';

export function FirstStart({ session }: { readonly session: Session }) {
  const [name, setName] = useState('');
  const [ownDeviceName, setOwnDeviceName] = useState<string | undefined>(undefined);
  const deviceName = ownDeviceName ?? proposePhoneName(name);
  const create = useTask(() => session.create(name.trim(), deviceName.trim()));
  const ready = name.trim() !== '' && deviceName.trim() !== '';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) create.run();
  };
  return (
    <Centre>
      <Mark />
      <h1>Welcome to Sealwire</h1>
      <p>
        Your conversations live on your own devices, sealed so that no server can read them. There is nothing
        to sign up for: your account is made here.
      </p>
      <form className="form" onSubmit={submit}>
        <label className="field">
          <span>Your name</span>
          <input
            value={name}
            maxLength={LIMITS.nameChars - 10}
            autoComplete="name"
            required
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <label className="field">
          <span>Name of this device</span>
          <input
            value={deviceName}
            maxLength={LIMITS.nameChars}
            autoComplete="off"
            required
            onChange={(event) => setOwnDeviceName(event.target.value)}
          />
          <small>Your other devices show it in their list.</small>
        </label>
        {create.error !== undefined && <Failure error={create.error} />}
        <div className="actions">
          <button
            type="submit"
            className="button button-primary button-wide"
            disabled={!ready || create.busy}
          >
            {create.busy ? 'Creating…' : 'Create account'}
          </button>
        </div>
      </form>
    </Centre>
  );
}
