// A name with a button that stores it: of a device, of a chat.
// No spec rules here.
import { LIMITS } from '@sealwire/protocol';
import { type FormEvent, useState } from 'react';
import { useTask } from '../hooks/useTask.ts';
import { Failure } from './basics.tsx';

export function NameForm(props: {
  readonly label: string;
  readonly name: string;
  readonly onRename: (name: string) => Promise<unknown>;
}) {
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const name = typed ?? props.name;
  const rename = useTask(async (next: string) => {
    await props.onRename(next);
    setTyped(undefined);
  });
  const ready = name.trim() !== '' && name.trim() !== props.name;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) rename.run(name.trim());
  };
  return (
    <form className="form" onSubmit={submit}>
      <label className="field">
        <span>{props.label}</span>
        <input
          value={name}
          maxLength={LIMITS.nameChars}
          autoComplete="off"
          onChange={(event) => setTyped(event.target.value)}
        />
      </label>
      {rename.error !== undefined && <Failure error={rename.error} />}
      <div className="actions">
        <button type="submit" className="button" disabled={!ready || rename.busy}>
          Save the name
        </button>
      </div>
    </form>
  );
}
