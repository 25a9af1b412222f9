// How the phone gets the other device's code: the camera inside the app, or the code as text.
// Rules: spec/link.md (the code is scanned inside the app, never by the system's camera).
import { Failure, Icon } from '@sealwire/ui';
import { type FormEvent, useState } from 'react';
import { Scanner } from './Scanner.tsx';

export function CodeInput(props: {
  readonly error: unknown;
  readonly offline: boolean;
  readonly onCode: (code: string) => void;
}) {
  const [typing, setTyping] = useState(false);
  return (
    <section className="link-step" aria-label="The other device’s code">
      <ol className="steps">
        <li>Open the Sealwire web app on your computer.</li>
        <li>Point this camera at the code on its screen.</li>
        <li>Type the six digits that appear here on the computer.</li>
      </ol>
      {props.offline && (
        <p className="note note-plain" role="status">
          <Icon name="airplane" />
          <span>You are offline. Linking needs a connection: turn airplane mode off first.</span>
        </p>
      )}
      {props.error !== undefined && <Failure error={props.error} />}
      {typing ? (
        <PasteCode onCode={props.onCode} onCamera={() => setTyping(false)} />
      ) : (
        <>
          <Scanner onCode={props.onCode} />
          <div className="actions">
            <button type="button" className="button" onClick={() => setTyping(true)}>
              Paste the code as text
            </button>
          </div>
        </>
      )}
    </section>
  );
}

function PasteCode({
  onCode,
  onCamera,
}: {
  readonly onCode: (code: string) => void;
  readonly onCamera: () => void;
}) {
  const [code, setCode] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.trim() !== '') onCode(code);
  };
  return (
    <form className="form" onSubmit={submit}>
      <label className="field">
        <span>Code</span>
        <textarea
          // biome-ignore lint/a11y/noAutofocus: the person asked for this field a moment ago
          autoFocus
          className="code-text"
          rows={4}
          value={code}
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          onChange={(event) => setCode(event.target.value)}
        />
        <small>In the web app: “Copy code as text”.</small>
      </label>
      <div className="actions">
        <button type="submit" className="button button-primary" disabled={code.trim() === ''}>
          Continue
        </button>
        <button type="button" className="button" onClick={onCamera}>
          <Icon name="camera" /> Use the camera
        </button>
      </div>
    </form>
  );
}
